/** Stretches of speech as subtitles: SubRip, and WebVTT as browsers read it. */
import type { SpeechChunk } from './words.js';

/** 00:00:08,000 */
function clock(seconds: number, point: ',' | '.'): string {
  const ms = Math.round(seconds * 1000);
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0');
  const rest = String(ms % 1000).padStart(3, '0');
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}${point}${rest}`;
}

const cues = (chunks: readonly SpeechChunk[], point: ',' | '.', before: (i: number) => string): string =>
  chunks
    .map(({ text, timestamp: [start, end] }, i) => `${before(i)}${clock(start, point)} --> ${clock(end, point)}\n${text.trim()}\n`)
    .join('\n');

export const srt = (chunks: readonly SpeechChunk[]): string => cues(chunks, ',', (i) => `${i + 1}\n`);

/** What begins a tag, or an arrow, is text here. */
const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

export const vtt = (chunks: readonly SpeechChunk[]): string => {
  const written = cues(
    chunks.map(({ text, timestamp }) => ({ text: escaped(text), timestamp })),
    '.',
    () => '',
  );
  return `WEBVTT\n${written && '\n'}${written}`;
};
