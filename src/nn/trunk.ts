/**
 * The middle of a Transformer: blocks by their specifications, one after the other, and a norm behind them. A forward is a generator that yields after each block, so
 * that whoever drives it may look at an abort in between. Keys: layers.0 …, norm.
 */
import type { Engine } from '../engine/engine.js';
import type { Tensor } from '../tensor.js';
import type { AttentionCall, RotaryMaker, Turn } from './attention.js';
import { Block, type BlockSpec } from './block.js';
import type { KVCache } from './cache.js';
import { Module } from './module.js';
import { makeNorm, type Norm, type NormSpec } from './norm.js';
import type { RotaryPositions } from './rotary_positions.js';

/** What all blocks of one call are given. */
export interface TrunkCall {
  /** Of the attentions to what comes in. */
  self?: Omit<AttentionCall, 'turn' | 'cache' | 'weights' | 'residual'> | undefined;
  /** What the other attentions read; without it, what their caches hold. */
  memory?: Tensor | undefined;
  cross?: TrunkCall['self'];
  /** Keys and values of each block's attentions. */
  caches?: { readonly self: readonly KVCache[]; readonly cross?: readonly KVCache[] | undefined } | undefined;
  /** The position of the first token, of each row its own where there are several. Default 0. */
  from?: number | readonly number[] | undefined;
  /** Tokens that the text will have, where this is a piece of it. */
  whole?: number | undefined;
}

/** What is kept of a call: x, then what each block gives, the last behind the norm; and the weights [B, H, T, S] of each block's attentions. */
export interface Kept {
  hiddenStates?: Tensor[] | undefined;
  attentions?: Tensor[] | undefined;
  crossAttentions?: Tensor[] | undefined;
}

/** Lists for what is wanted of these. */
export function keptOf({ hiddenStates, attentions }: { hiddenStates?: boolean | undefined; attentions?: boolean | undefined }): Kept {
  const weights = () => (attentions ? [] : undefined);
  return { hiddenStates: hiddenStates ? [] : undefined, attentions: weights(), crossAttentions: weights() };
}

/** Blocks and a norm: x [B, T, C] → [B, T, C]. */
export class Trunk extends Module {
  readonly #blocks: readonly Block[];
  readonly #norm: Norm | undefined;
  readonly #rotary = new Map<RotaryMaker, RotaryPositions>();

  constructor(engine: Engine, specs: readonly BlockSpec[], norm?: NormSpec) {
    super(engine);
    this.#blocks = specs.map((spec, l) => this.child(`layers.${l}`, new Block(engine, spec)));
    for (const { C, attention } of specs) {
      const { rotary, H, D = C / H } = attention;
      if (rotary && !this.#rotary.has(rotary)) this.#rotary.set(rotary, rotary(engine, D));
    }
    if (norm) this.#norm = this.child('norm', makeNorm(engine, (specs[0] as BlockSpec).C, norm));
  }

  /** Takes x through, and frees it as everything between, but for what is kept. */
  *steps(x: Tensor, call: TrunkCall = {}, { hiddenStates, attentions, crossAttentions }: Kept = {}): Generator<void, Tensor> {
    const { memory, caches } = call;
    const turns = new Map<RotaryMaker | undefined, Turn>();
    for (const [make, positions] of this.#rotary) turns.set(make, positions.forward(x.dim(1), call.from, call.whole));
    let h = x;
    const leave = (next: Tensor, wanted = true) => {
      if (hiddenStates && wanted) hiddenStates.push(h);
      else h.dispose();
      h = next;
    };
    for (const [l, block] of this.#blocks.entries()) {
      if (l > 0) yield;
      const turn = turns.get(block.spec.attention.rotary);
      const self = { ...call.self, turn, cache: caches?.self[l], weights: attentions };
      const cross = { ...call.cross, cache: caches?.cross?.[l], weights: crossAttentions };
      leave(block.forward(h, { self, memory, cross }));
    }
    for (const turn of turns.values()) turn.dispose();
    // In Hugging Face's order, what the last block gives counts behind the norm only.
    if (this.#norm) leave(this.#norm.forward(h), false);
    hiddenStates?.push(h);
    yield;
    return h;
  }

  /** Appends the keys and values of a memory [B, S, C] to a cache for each block, of each row as many as `lengths` says; the caches then stand for it. */
  remember(caches: readonly KVCache[], memory: Tensor, lengths?: readonly number[]): void {
    for (const [l, block] of this.#blocks.entries()) block.remember(caches[l] as KVCache, memory, lengths);
  }
}
