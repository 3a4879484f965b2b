/** `heed generate`: a language model goes on from a text, or, where it has a chat template, answers it; what it writes is printed as it comes. */
import { Command, Option } from 'commander';
import { pipeline, TextStreamer } from '../entry/node.js';
import { HeedError } from '../errors.js';
import type { ResponseFormat } from '../generation/grammar/format.js';
import { nodeRuntime } from '../runtime/node.js';
import { readText } from './files.js';
import { linesOfInput } from './lines.js';
import {
  deterministicOption,
  type EngineFlags,
  jsonOption,
  listOption,
  modelOption,
  numberIn,
  threadsOption,
  wholeNumber,
} from './options.js';
import { print } from './output.js';
import { filesOf, withBar } from './progress.js';
import { withEngine } from './work.js';

interface GenerateFlags extends EngineFlags {
  model: string;
  maxNewTokens: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  minP?: number;
  typicalP?: number;
  seed?: number;
  repetitionPenalty?: number;
  presencePenalty?: number;
  frequencyPenalty?: number;
  promptLookup?: number;
  stop?: string[];
  jsonSchema?: string;
  regex?: string;
  choices?: string[];
  raw?: boolean;
  system?: string;
  json?: boolean;
  adapter?: string;
}

const positive = (text: string) => numberIn(text, (value) => (value > 0 ? undefined : 'It must be a number above 0.'));
const share = (text: string) => numberIn(text, (value) => (value > 0 && value <= 1 ? undefined : 'It must be above 0, and at most 1.'));
const seedOf = (text: string) => numberIn(text, (value) => (Number.isSafeInteger(value) ? undefined : 'It must be a whole number.'));

const either = (text: string) => numberIn(text, (value) => (value >= 0 ? undefined : 'It must be a number from 0 on.'));
const several = (text: string, before: string[] = []) => [...before, text];

/** Flags that ask for draws. */
const drawing = ['temperature', 'topP', 'topK', 'minP', 'typicalP'] as const;

/** Flags that ask for a form, of which an answer has one. */
const forms = [
  new Option('--json-schema <file>', 'the answer is JSON that fits the schema in this file'),
  new Option('--regex <r>', 'the answer is what a regular expression fits as a whole'),
  listOption('--choices <list>', 'the answer is one of these texts, with commas between them'),
];
for (const form of forms) form.conflicts(forms.filter((other) => other !== form).map((other) => other.attributeName()));

export const generateCommand = new Command('generate')
  .description('write on from a text, or answer it')
  .argument('[text]', 'the text; without one, all of standard input')
  .addOption(modelOption('a language model, or a GGUF file of one'))
  .option('--max-new-tokens <n>', 'tokens to write at most', wholeNumber, 256)
  .option('--temperature <t>', 'draw, from scores divided by it; without this and what follows the likeliest token is taken', positive)
  .option('--top-p <p>', 'draw among the likeliest tokens, which together have this probability', share)
  .option('--top-k <n>', 'draw among so many likeliest tokens', wholeNumber)
  .option('--min-p <p>', 'draw among tokens with at least this share of the probability of the likeliest one', share)
  .option('--typical-p <p>', 'draw among tokens as surprising as is to be expected, which together have this probability', share)
  .option('--seed <n>', 'decides on what is drawn (default: another one each time)', seedOf)
  .option('--repetition-penalty <p>', 'above 1: tokens that are there already, in the prompt as well, become less likely', positive)
  .option('--presence-penalty <p>', 'what tokens that were written already lose of their scores', either)
  .option('--frequency-penalty <p>', 'the same, as often as they were written', either)
  .option('--prompt-lookup <n>', 'guess up to so many tokens at once by what stands there already; the text stays the same', wholeNumber)
  .option('--stop <text>', 'end where this text comes, which is not printed; may be given several times', several)
  .addOption(forms[0] as Option)
  .addOption(forms[1] as Option)
  .addOption(forms[2] as Option)
  .option('--system <text>', 'what the model is told before, where it has a chat template')
  .option('--adapter <dir>', 'a LoRA adapter of the model: the folder or URL of what PEFT writes')
  .option('--raw', 'go on from the text as it stands, though the model has a chat template')
  .addOption(jsonOption('one object with text, the written text and token counts, and nothing else'))
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
Examples:
  heed generate "Write one sentence about the sea." --model ./SmolLM2-135M-Instruct.Q4_1.gguf
  heed generate "The capital of France is" --raw --max-new-tokens 20 --model ./SmolLM2-135M
  heed generate --temperature 0.7 --min-p 0.1 --seed 1 --model ./SmolLM2-135M < prompt.txt
  heed generate "Is the sea blue?" --choices yes,no --model ./SmolLM2-135M`,
  )
  .action(generate);

async function generate(given: string | undefined, flags: GenerateFlags): Promise<void> {
  const text = given ?? (await wholeInput());
  if (text === '')
    throw new HeedError('ARGUMENT', 'There is no text to go on from', { culprit: 'text', cure: 'Give one, or lines of standard input' });
  const { model: name, system, raw, json, adapter } = flags;
  const draws = drawing.some((flag) => flags[flag] !== undefined);
  if (flags.seed !== undefined && !draws)
    throw new HeedError('ARGUMENT', '--seed would have no effect', {
      culprit: '--seed',
      cure: 'Give --temperature, or another that draws',
    });
  const response_format = await formOf(flags);
  const wishes = {
    max_new_tokens: flags.maxNewTokens,
    repetition_penalty: flags.repetitionPenalty,
    presence_penalty: flags.presencePenalty,
    frequency_penalty: flags.frequencyPenalty,
    prompt_lookup_num_tokens: flags.promptLookup,
    stop_strings: flags.stop,
    response_format,
    do_sample: draws,
    ...(draws && {
      ...{ temperature: flags.temperature, top_p: flags.topP, top_k: flags.topK },
      ...{ min_p: flags.minP, typical_p: flags.typicalP, seed: flags.seed },
    }),
  };
  await withEngine(flags, async (engine) => {
    const write = await withBar('loading', (update) => pipeline('text-generation', name, { engine, progress_callback: filesOf(update) }));
    if (adapter !== undefined) await write.model.load_adapter(adapter);
    const { tokenizer } = write;
    const chats = tokenizer.chat_template !== undefined && !raw;
    if (system !== undefined && !chats)
      throw new HeedError('ARGUMENT', '--system would have no effect', {
        culprit: '--system',
        cure: 'The model has no chat template, or --raw passes over it',
      });
    const messages = [...(system === undefined ? [] : [{ role: 'system', content: system }]), { role: 'user', content: text }];
    let generated_text = '';
    const words = new TextStreamer(tokenizer, {
      skip_prompt: true,
      callback_function: (piece) => {
        generated_text += piece;
        if (!json) process.stdout.write(piece);
      },
    });
    // Tokens of the prompt, which come first, and behind it.
    const counts: number[] = [];
    const streamer = {
      put(rows: number[][]) {
        counts.push(rows[0]?.length ?? 0);
        words.put(rows);
      },
      end: () => words.end(),
      stopsAt: (strings: readonly string[]) => words.stopsAt(strings),
    };
    await write(chats ? messages : text, { ...wishes, streamer });
    await print(json ? `${JSON.stringify({ text, generated_text, prompt_tokens: counts[0], new_tokens: counts.length - 1 })}\n` : '\n');
  });
}

/** The form that an answer is to have. */
async function formOf({ jsonSchema: file, regex, choices }: GenerateFlags): Promise<ResponseFormat | undefined> {
  if (regex !== undefined) return { type: 'regex', regex };
  if (choices) return { type: 'choice', choices };
  if (file === undefined) return undefined;
  try {
    return { type: 'json_schema', json_schema: { schema: JSON.parse(await readText(nodeRuntime, file)) as unknown } };
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new HeedError('FORMAT', `${file} is no JSON: ${cause.message}`, { culprit: file, cure: 'It must hold a JSON schema', cause });
  }
}

/** All of standard input, but for the end of its last line. */
async function wholeInput(): Promise<string> {
  const lines: string[] = [];
  for await (const some of linesOfInput()) lines.push(...some);
  return lines.join('\n');
}
