/** POST /v1/audio/transcriptions and translations: what is said in a sound, from a form with its file. */
import * as z from 'zod';
import { defined } from '../../chat/sampling.js';
import type { SpeechRecognizer, Transcription } from '../../pipelines/speech/recognition.js';
import { srt, vtt } from '../../pipelines/speech/subtitles.js';
import { ApiError } from '../errors.js';
import { modelRoute } from './route.js';
import { modelField } from './sampling.js';

const fields = {
  file: z.file().describe('A file of sound'),
  model: modelField,
  response_format: z.enum(['json', 'text', 'srt', 'verbose_json', 'vtt']).nullish(),
  temperature: z.coerce.number().min(0).max(1).nullish(),
  prompt: z.string().max(10_000).nullish().describe('Text that comes before the sound, whose style and names it takes up'),
};
const spoken = z.strictObject({
  ...fields,
  language: z.string().min(2).max(40).nullish().describe('Language of the sound, as ISO 639-1. Default: as the model hears it'),
  timestamp_granularities: z
    .array(z.enum(['word', 'segment']))
    .max(2)
    .nullish(),
  stream: z.literal('false').nullish(),
});

/** Name of a language as OpenAI's API tells it: english. */
function nameOf(code: string | undefined): string | undefined {
  try {
    return code && new Intl.DisplayNames(['en'], { type: 'language' }).of(code)?.toLowerCase();
  } catch {
    return code;
  }
}

/** Seconds of a sound at most, and of a piece of it that a model without windows of its own takes at once. */
const [MOST_SECONDS, WINDOW] = [7200, 30];

/** Tokens of a prompt that Whisper looks at. */
const MOST_PROMPT = 223;

/** Tokens of a text that was before the sound, as Whisper has them. Throws 400 for a model that looks at none. */
function promptOf({ tokenizer, model }: SpeechRecognizer, prompt: string): number[] {
  // What scores letters has no words.
  const before = 'generation_config' in model ? tokenizer.token_to_id('<|startofprev|>') : undefined;
  if (before === undefined) throw new ApiError(400, 'This model takes no prompt', { param: 'prompt', code: 'unsupported_parameter' });
  return [before, ...tokenizer.encode(` ${prompt.trim()}`, { add_special_tokens: false }).slice(-MOST_PROMPT)];
}

interface Told {
  readonly task: 'transcribe' | 'translate';
  readonly duration: number;
  readonly words: Transcription | undefined;
}

const plain = (text: string, type = 'text/plain') => new Response(text, { headers: { 'content-type': `${type}; charset=utf-8` } });
const times = ([start, end]: readonly [number, number]) => ({ start, end });

/** Answers by the formats that there are. */
const formats = {
  json: ({ text }: Transcription) => Response.json({ text: text.trim() }),
  text: ({ text }: Transcription) => plain(`${text.trim()}\n`),
  srt: ({ chunks = [] }: Transcription) => plain(srt(chunks), 'application/x-subrip'),
  vtt: ({ chunks = [] }: Transcription) => plain(vtt(chunks), 'text/vtt'),
  verbose_json: ({ text, chunks = [], language }: Transcription, { task, duration, words }: Told) =>
    Response.json({
      ...{ task, language: nameOf(language), duration, text: text.trim() },
      segments: chunks.map(({ text, timestamp }, id) => ({ id, ...times(timestamp), text })),
      ...(words && { words: (words.chunks ?? []).map(({ text, timestamp }) => ({ word: text.trim(), ...times(timestamp) })) }),
    }),
} as const;

const routeOf = (path: string, summary: string, task: Told['task'], body: typeof spoken) =>
  modelRoute({
    method: 'post',
    path,
    summary,
    body,
    isForm: true,
    names: { 'the sound': 'file', sound: 'file' },
    produces: ['application/json', 'text/plain', 'application/x-subrip', 'text/vtt'],
    tasks: ['automatic-speech-recognition'],
    async answer(given, { pipe, entry }, { call }) {
      const { language, temperature, prompt, response_format = 'json', timestamp_granularities: wanted = ['segment'] } = defined(given);
      await call.take(entry.places);
      const { signal } = call;
      // Bytes alone: a text would be taken for an address.
      const bytes = new Uint8Array(await given.file.arrayBuffer());
      const samples = await pipe.ears.read(bytes, undefined, signal, MOST_SECONDS);
      const isLong = samples.length > WINDOW * pipe.ears.sampling_rate;
      const prompt_ids = prompt?.trim() ? promptOf(pipe, prompt) : undefined;
      // What scores letters takes a sound as a whole, unless it is told otherwise.
      const pieces = isLong && !('generation_config' in pipe.model) ? { chunk_length_s: WINDOW } : {};
      const options = { language, temperature, prompt_ids, ...pieces, ...(task === 'translate' && { task }), signal };
      const isTimed = response_format !== 'json' && response_format !== 'text';
      const told = await pipe(samples, { ...options, return_timestamps: isTimed });
      const hasWords = response_format === 'verbose_json' && wanted.includes('word');
      const words = hasWords ? await pipe(samples, { ...options, return_timestamps: 'word' }) : undefined;
      return formats[response_format](told, { task, duration: samples.length / pipe.ears.sampling_rate, words });
    },
  });

export const transcriptions = routeOf('/v1/audio/transcriptions', 'Writes down what is said in a sound', 'transcribe', spoken);
export const translations = routeOf(
  '/v1/audio/translations',
  'Writes down in English what is said in a sound',
  'translate',
  spoken.omit({ timestamp_granularities: true }) as never,
);
