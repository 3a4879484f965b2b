/** What the page and its worker say to each other. */
import type { Reading } from './reader.js';

/** `start` goes on where `stop` left off; `look` asks for a text, and for the same again as the model learns. */
export type ToWorker = { say: 'start' } | { say: 'stop' } | { say: 'look'; text: string };

/** A date that was held back, and what the model makes of it. */
export interface Answer {
  text: string;
  iso: string;
  said: string;
}

export type ToPage =
  | { say: 'ready'; steps: number; engine: string; text: string }
  | { say: 'learned'; step: number; loss: number; stepsPerSecond: number }
  | { say: 'evaluated'; step: number; exact: number; answers: readonly Answer[] }
  | { say: 'looked'; reading: Reading }
  | { say: 'stopped'; done: boolean }
  | { say: 'failed'; why: string };
