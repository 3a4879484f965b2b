/**
 * The middle of a Transformer: blocks made from their specifications, one after the other, and a norm behind them. A forward pass is a generator that yields after each block, so
 * that the caller may check an abort signal in between. Keys: layers.0 …, norm.
 */
import type { Engine } from '../engine/engine.js';
import type { Tensor } from '../tensor.js';
import type { AttentionCall, LayerCache, RotaryMaker, Turn } from './attention.js';
import { Block, type BlockSpec } from './block.js';
import type { KVCache } from './cache.js';
import type { Form } from './formats/format.js';
import { Module } from './module.js';
import { makeNorm, type Norm, type NormSpec } from './norm.js';
import type { Parameter } from './parameter.js';
import type { RecordedStep } from './recorded_step.js';
import type { RotaryPositions } from './rotary_positions.js';

/** Caches of a trunk from call to call: keys and values of each block's attentions, and the last step, to be replayed. */
export interface Caches {
  readonly self: readonly LayerCache[];
  readonly cross?: readonly KVCache[] | undefined;
  readonly recorded?: RecordedStep | undefined;
}

/** Rotary turns by their makers: blocks with the same maker share a turn. */
export type Turns = ReadonlyMap<RotaryMaker | undefined, Turn>;

/** Arguments of one call, for all blocks. */
export interface TrunkCall {
  /** Arguments of the self-attentions. */
  self?: Omit<AttentionCall, 'cache' | 'isCounted' | 'weights' | 'residual'> | undefined;
  /** Memory of the cross-attentions; without it, the cross-attentions read their caches. */
  memory?: Tensor | undefined;
  cross?: TrunkCall['self'];
  /** Keys and values of each block's attentions. */
  caches?: Caches | undefined;
  /** `true` where the caches have counted the tokens of this call: see KVCache.advance. */
  isCounted?: boolean | undefined;
  /** What block l reads in place of the states that come to it. Default: those. */
  entering?: ((x: Tensor, l: number) => Tensor) | undefined;
  /** Position of the first token, or a position for each row. Default 0. */
  from?: number | readonly number[] | undefined;
  /** Tokens that the text will have, where this is a piece of it. */
  whole?: number | undefined;
}

/** Tensors that are kept of a call: x, then each block's output, the last behind the norm; and the weights [B, H, T, S] of each block's attentions. */
export interface Kept {
  hiddenStates?: Tensor[] | undefined;
  attentions?: Tensor[] | undefined;
  crossAttentions?: Tensor[] | undefined;
}

/** Lists for the outputs that are wanted. */
export function keptOf({ hiddenStates, attentions }: { hiddenStates?: boolean | undefined; attentions?: boolean | undefined }): Kept {
  const weights = () => (attentions ? [] : undefined);
  return { hiddenStates: hiddenStates ? [] : undefined, attentions: weights(), crossAttentions: weights() };
}

/** Blocks and a norm: x [B, T, C] → [B, T, C]. */
export class Trunk extends Module {
  readonly #blocks: readonly Block[];
  readonly #norm: Norm | undefined;
  #parameters: readonly Parameter[] | undefined;
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

  /** `true` where the kernel launches of a block depend on the values of the states, so that no step can be replayed. */
  get isRouted(): boolean {
    return this.#blocks.some((block) => block.isRouted);
  }

  /** Runs x through the blocks, and frees x and everything between, except the outputs that are kept. */
  *steps(x: Tensor, call: TrunkCall = {}, kept: Kept = {}): Generator<void, Tensor> {
    const recorded = call.caches?.recorded;
    if (recorded?.takes(this, x, call, kept)) return yield* recorded.steps(this, x, call);
    const turns = this.turns(x.dim(1), call);
    const h = yield* this.through(x, turns, call, kept);
    for (const turn of turns.values()) turn.dispose();
    yield;
    return h;
  }

  /** Forms that hold the parameters, and the forms of additions to their products. */
  forms(): (Form | undefined)[] {
    this.#parameters ??= [...this.distinctParameters().values()];
    return this.#parameters.flatMap(({ form, additions }) => [form, ...(additions ?? []).flatMap((addition) => addition.forms())]);
  }

  /** Rotary turns of queries and keys of T tokens, for each maker of positions among the blocks. */
  turns(T: number, { from, whole }: Pick<TrunkCall, 'from' | 'whole'>): Turns {
    return new Map([...this.#rotary].map(([make, positions]) => [make, positions.forward(T, from, whole)]));
  }

  /** `true` where rotary frequencies are the same in texts of a and of b tokens. */
  turnsAlike(a: number, b: number): boolean {
    return [...this.#rotary.values()].every((positions) => positions.turnsAlike(a, b));
  }

  /** Runs x through the blocks, yielding between them. `run` executes the work between two yields. */
  *through(x: Tensor, turns: Turns, call: TrunkCall, kept: Kept = {}, run = <Y>(part: () => Y): Y => part()): Generator<void, Tensor> {
    const { memory, caches, isCounted, entering = (x) => x } = call;
    const { hiddenStates, attentions, crossAttentions } = kept;
    let h = x;
    const leave = (next: Tensor, wanted = true) => {
      if (hiddenStates && wanted) hiddenStates.push(h);
      else h.dispose();
      h = next;
    };
    for (const [l, block] of this.#blocks.entries()) {
      if (l > 0) yield;
      const turn = turns.get(block.spec.attention.rotary) ?? call.self?.turn;
      // What the state made for the layer is what the layer reads.
      const self = { ...call.self, turn, cache: caches?.self[l] as KVCache | undefined, isCounted, weights: attentions };
      const cross = { ...call.cross, cache: caches?.cross?.[l], weights: crossAttentions };
      const forward = () => {
        const x = entering(h, l);
        const y = block.forward(x, { self, memory, cross });
        if (x !== h) x.dispose();
        return y;
      };
      leave(run(forward));
    }
    const norm = this.#norm;
    // In Hugging Face's order, the last block's output is listed behind the norm only.
    if (norm)
      leave(
        run(() => norm.forward(h)),
        false,
      );
    hiddenStates?.push(h);
    return h;
  }

  /** Appends the keys and values of a memory [B, S, C] to a cache for each block, for each row as many as `lengths` says; the caches then replace the memory. */
  remember(caches: readonly KVCache[], memory: Tensor, lengths?: readonly number[]): void {
    for (const [l, block] of this.#blocks.entries()) block.remember(caches[l] as KVCache, memory, lengths);
  }
}
