/** What the page and its worker say to each other. */
import type { Look } from './look.js';

/** The models, in the order in which they learn. */
export const models = ['reader', 'drawer'] as const;
export type Model = (typeof models)[number];

/** `start` goes on where `stop` left off; `look` asks what the reader makes of a picture, `draw` for a drawing of each digit. */
export type ToWorker = { say: 'start' } | { say: 'stop' } | { say: 'look'; pixels: Uint8Array } | { say: 'draw'; temperature: number };

/** A held-back picture, and what the reader makes of it. */
export interface Answer {
  pixels: Uint8Array;
  label: number;
  said: number;
}

export type ToPage =
  | { say: 'ready'; steps: Record<Model, number>; engine: string }
  | { say: 'learned'; model: Model; step: number; loss: number; stepsPerSecond: number }
  | { say: 'read'; step: number; accuracy: number; answers: readonly Answer[] }
  | { say: 'looked'; look: Look }
  /** Drawings of 0 to 9 so far; at the end, what the reader takes them for. */
  | { say: 'drew'; pictures: readonly Uint8Array[]; said?: readonly number[] }
  | { say: 'stopped'; done: boolean }
  | { say: 'failed'; why: string };
