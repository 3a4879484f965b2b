/** Rotary positions of patches (Siméoni et al., arXiv 2508.10104): half of the pairs of channels turn by a patch's line, half by its column, both from −1 to 1. */
import type { Engine } from '../engine/engine.js';
import { cos, pow, sin } from '../math.js';
import { rotary } from '../ops/rotary.js';
import { tensor } from '../tensor.js';
import type { Turn } from './attention.js';

/** Maker of the turn of pictures of h × w patches, behind `leading` tokens, which do not turn. */
export type PatchRotary = (engine: Engine, D: number, grid: readonly [h: number, w: number], leading: number) => Turn;

/** Turns heads of D channels: a pair i of D / 4 by 2π · place · base^(−4i / D). */
export const patchRotary =
  (base: number): PatchRotary =>
  (engine, D, [h, w], leading) => {
    const [T, half, quarter] = [leading + h * w, D / 2, D / 4];
    const rates = Float32Array.from({ length: quarter }, (_, i) => 1 / pow(base, Math.fround((4 / D) * i)));
    const angleAt = (i: number): number => {
      const [patch, pair] = [Math.floor(i / half) - leading, i % half];
      if (patch < 0) return 0;
      const place = pair < quarter ? (Math.floor(patch / w) + 0.5) / h : ((patch % w) + 0.5) / w;
      return Math.fround(2 * Math.PI * (2 * place - 1) * (rates[pair % quarter] as number));
    };
    const angles = Float32Array.from({ length: T * half }, (_, i) => angleAt(i));
    const table = { cos: tensor(engine, angles.map(cos), [T, half]), sin: tensor(engine, angles.map(sin), [T, half]) };
    const dispose = () => {
      table.cos.dispose();
      table.sin.dispose();
    };
    // Pictures have no text that goes on.
    const move = () => {};
    return Object.assign((x: Parameters<Turn>[0]) => rotary(x, table), { move, dispose });
  };
