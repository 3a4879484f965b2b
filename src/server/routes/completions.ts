/** POST /v1/completions: texts, or lists of a model's tokens, that are gone on with. */
import * as z from 'zod';
import { defined, generationOf } from '../../chat/sampling.js';
import { each, type Listener, promptIds, type Written, write } from '../../chat/writing.js';
import type { TokenLogprob } from '../../generation/sequence.js';
import type { TextGeneration } from '../../pipelines/text_generation.js';
import type { Call } from '../call.js';
import { ApiError } from '../errors.js';
import { eventStream } from '../events.js';
import { tokenWriter } from '../logprobs.js';
import { lastEvents } from './chat.js';
import { modelRoute } from './route.js';
import { harmlessFields, modelField, writingFields } from './sampling.js';
import { usageOf } from './usage.js';

/** Texts of a request. */
const MOST_PROMPTS = 64;
const ids = z.array(z.int().min(0)).min(1);

const body = z.strictObject({
  model: modelField,
  prompt: z.union([z.string(), ids, z.array(z.string()).min(1).max(MOST_PROMPTS), z.array(ids).min(1).max(MOST_PROMPTS)]),
  max_tokens: z.int().min(1).nullish().describe('Tokens to write at most. Default 16'),
  ...writingFields,
  logprobs: z.int().min(0).max(20).nullish(),
  echo: z.literal(false).nullish(),
  suffix: z.literal('').nullish(),
  best_of: z.literal(1).nullish(),
  ...harmlessFields,
});

type Body = z.infer<typeof body>;

/** Tokens of each prompt. Others have their turns between two. */
async function promptsOf({ prompt }: Body, pipe: TextGeneration, signal: AbortSignal): Promise<readonly (readonly number[])[]> {
  const list = (typeof prompt === 'string' || typeof prompt[0] === 'number' ? [prompt] : prompt) as readonly (string | readonly number[])[];
  const all: (readonly number[])[] = [];
  for (const one of list) {
    const tokens = typeof one === 'string' ? promptIds(pipe, one, 'prompt', true) : one;
    if (!tokens.length) throw new ApiError(400, 'A text has no tokens, and this tokenizer puts none before it', { param: 'prompt' });
    all.push(tokens);
    await pipe.model.engine.turn(signal);
  }
  return all;
}

/** Log-probabilities in the form of this path. */
function logprobsOf({ tokenizer }: TextGeneration, told: readonly TokenLogprob[], most: number, from: number) {
  const written = tokenWriter(tokenizer);
  let offset = from;
  const tokens = told.map(({ token, logprob }) => written(token, logprob));
  return {
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: told.map(({ top }) =>
      Object.fromEntries(top.slice(0, most).map((one) => [written(one.token, 0).token, written(one.token, one.logprob).logprob])),
    ),
    text_offset: tokens.map(({ token }) => {
      offset += token.length;
      return offset - token.length;
    }),
  };
}

/** Writes the texts of a request: `n` behind each prompt, in their order, `places` at once. */
function writeAll(
  given: Body,
  pipe: TextGeneration,
  call: Call,
  { prompts, places }: { prompts: Awaited<ReturnType<typeof promptsOf>>; places: number },
  listener: (index: number) => Listener,
): Promise<Written[]> {
  const { n: count = 1, logprobs, max_tokens = 16 } = defined(given);
  const one = (index: number, signal: AbortSignal) => {
    const ids = prompts[Math.floor(index / count)] as readonly number[];
    const options = generationOf(given, max_tokens, pipe, ids.length, index % count);
    return write(pipe, { ids, options, logprobs }, call, signal, listener(index));
  };
  return each(prompts.length * count, call.signal, one, places);
}

export const completions = modelRoute({
  method: 'post',
  path: '/v1/completions',
  summary: 'Goes on from texts',
  names: { input_ids: 'prompt' },
  produces: ['application/json', 'text/event-stream'],
  body,
  tasks: ['text-generation'],
  async answer(given, { pipe, entry }, { call }) {
    const { n: count = 1, logprobs, stream_options } = defined(given);
    const prompts = await promptsOf(given, pipe, call.signal);
    const prompt = prompts.reduce((sum, { length }) => sum + length, 0);
    call.facts.prompt_tokens = prompt;
    const places = Math.min(prompts.length * count, entry.places.total);
    const base = {
      id: call.id.replace('req', 'cmpl'),
      object: 'text_completion',
      created: Math.floor(call.begin / 1000),
      model: entry.name,
    };
    const choice = (index: number, text: string, told: readonly TokenLogprob[], finish_reason: string | null, from = 0) => {
      const likely = logprobs === undefined ? null : logprobsOf(pipe, told, logprobs, from);
      return { text, index, logprobs: likely, finish_reason };
    };
    if (!given.stream) {
      await call.take(entry.places, places);
      const all = await writeAll(given, pipe, call, { prompts, places }, () => ({}));
      const choices = all.map(({ text, logprobs, finish_reason }, index) => choice(index, text, logprobs, finish_reason));
      return Response.json({ ...base, choices, usage: usageOf(prompt, all) });
    }
    return eventStream(call, async (send) => {
      await call.take(entry.places, places);
      const told: number[] = [];
      const say = (index: number, text: string, likely: Written['logprobs'], end: string | null) => {
        send({ ...base, choices: [choice(index, text, likely, end, told[index])] });
        told[index] = (told[index] ?? 0) + text.length;
      };
      const all = await writeAll(given, pipe, call, { prompts, places }, (index) => ({
        onBegin: () => say(index, '', [], null),
        onText: (piece, likely) => say(index, piece, likely, null),
      }));
      for (const [index, { rest, finish_reason }] of all.entries()) say(index, '', rest, finish_reason);
      lastEvents(send, base, stream_options?.include_usage ? usageOf(prompt, all) : undefined);
    });
  },
});
