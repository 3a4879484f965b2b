/** Whisper tiny.en of 75 MB, a recording, and what transformers hears in it: none is in this repository, and tests that need them are skipped without. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { shared } from './shared.js';

/** Where the script that fetches it puts it. */
export const whisperTiny = join(process.env.HEED_MODELS ?? join(homedir(), '.cache/heed-models'), 'whisper-tiny.en');
export const recording = shared('data/speech/jfk.wav');
export const recordingExpected = shared('data/speech/expected.json');
export const hasWhisperTiny = [join(whisperTiny, 'model.safetensors'), recording, recordingExpected].every(existsSync);
