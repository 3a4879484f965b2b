/**
 * `heed transcribe`: what is said in sounds, as text, as subtitles, or as JSON; one file after the other, each printed as soon as it is there. Of several files one that cannot be
 * heard does not end the others.
 */
import { Command, Option } from 'commander';
import type { AudioSource } from '../audio/read.js';
import { HeedError } from '../errors.js';
import type { SpeechRecognizer, Transcription } from '../pipelines/speech/recognition.js';
import { srt, vtt } from '../pipelines/speech/subtitles.js';
import { failed } from './failures.js';
import { deterministicOption, type EngineFlags, modelOption, numberIn, threadsOption, wholeNumber } from './options.js';
import { print } from './output.js';
import { withBar } from './progress.js';
import { withPipeline } from './work.js';

interface TranscribeFlags extends EngineFlags {
  language?: string;
  translate?: boolean;
  words?: boolean;
  format: keyof typeof formats;
  beams?: number;
  chunk?: number;
  model?: string;
}

/** What is printed of a file. */
const formats = {
  text: (_file: string, { text }: Transcription) => `${text.trim()}\n`,
  srt: (_file: string, { chunks = [] }: Transcription) => srt(chunks),
  vtt: (_file: string, { chunks = [] }: Transcription) => vtt(chunks),
  json: (file: string, { text, ...rest }: Transcription) => `${JSON.stringify({ file, text: text.trim(), ...rest })}\n`,
};

const seconds = (text: string): number => numberIn(text, (n) => (n > 0 ? undefined : 'It must be a number of seconds above 0.'));

export const transcribeCommand = new Command('transcribe')
  .description('write down what is said in sounds')
  .argument('<file...>', 'sounds: files, or URLs; - is standard input')
  .option('--language <language>', 'de, or german (default: what the model hears)')
  .option('--translate', 'into English')
  .option('--words', 'words with their times, in place of stretches')
  .addOption(new Option('--format <format>', 'what is printed').choices(Object.keys(formats)).default('text'))
  .option('--beams <n>', 'sequences that beam search keeps; 1 is greedy, and fastest', wholeNumber, 1)
  .option('--chunk <s>', 'hear pieces of so many seconds side by side, up to 30 (default: one window after the other)', seconds)
  .addOption(modelOption('a model that hears', 'automatic-speech-recognition'))
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
Examples:
  heed transcribe interview.wav
  ffmpeg -i film.mkv -f wav - | heed transcribe -
  heed transcribe vortrag.wav --language de --translate
  heed transcribe interview.wav --format srt > interview.srt
  heed transcribe interview.wav --words --format json`,
  )
  .action(transcribe);

async function transcribe(files: string[], flags: TranscribeFlags): Promise<void> {
  const { format, words } = flags;
  if (words && format === 'text') throw wrong('--words tells times, and text has none', '--words', 'Add --format srt, vtt or json');
  if (files.length > 1 && (format === 'srt' || format === 'vtt'))
    throw wrong('subtitles are of one file', '--format', 'Give one file at a time');
  await withPipeline('automatic-speech-recognition', flags, async (recognize) => {
    for (const file of files) {
      try {
        await print(formats[format](file, await heard(recognize, await soundOf(file), flags)));
      } catch (error) {
        if (files.length === 1 || !(error instanceof HeedError)) throw error;
        process.exitCode = failed(error);
      }
    }
  });
}

/** A file's name, or all of standard input. */
async function soundOf(file: string): Promise<AudioSource> {
  if (file !== '-') return file;
  if (process.stdin.isTTY) throw wrong('standard input is a terminal', '-', 'Pipe a sound into it');
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of process.stdin) pieces.push(piece);
  return new File(pieces, 'standard input');
}

const wrong = (what: string, culprit: string, cure: string) => new HeedError('ARGUMENT', `transcribe: ${what}`, { culprit, cure });

function heard(recognize: SpeechRecognizer, sound: AudioSource, flags: TranscribeFlags): Promise<Transcription> {
  const { language, translate, words, format, beams, chunk } = flags;
  return withBar('transcribing', (update) =>
    recognize(sound, {
      ...(language !== undefined && { language }),
      ...(translate && { task: 'translate' }),
      ...(chunk !== undefined && { chunk_length_s: chunk }),
      return_timestamps: words ? 'word' : format !== 'text',
      num_beams: beams,
      onProgress: update,
    }),
  );
}
