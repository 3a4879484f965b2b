/** An assistant: a small model that guesses the next tokens of a large one, `assistant_model` (Leviathan et al., arXiv 2211.17192, in greedy search). */
import type { Engine } from '../engine/engine.js';
import { HeedError, kindOf } from '../errors.js';
import type { Decoder } from '../models/decoder.js';
import type { DecoderState } from '../models/decoder_state.js';
import { commonLength } from './common_length.js';
import { type Drafter, MOST_DRAFTED } from './draft.js';
import { PIECE } from './job.js';
import type { Plan } from './plan.js';
import { argMax } from './top_k.js';

/** Parts of a language model that can serve as an assistant. */
export interface Assistant {
  /** Engine that the assistant shares with the model it assists. */
  readonly engine: Engine;
  /** Decoder stack of the assistant. */
  readonly module: Decoder;
}

/** Options of a call with an assistant model. */
export interface AssistantOptions {
  /** A smaller language model of the same tokenizer, on the same engine, which guesses the next tokens; the text stays the same. For one text, in greedy search. */
  assistant_model?: Assistant | undefined;
  /** Number of tokens that the assistant guesses at once. Default 5. */
  num_assistant_tokens?: number | undefined;
}

export const assistantNames = ['assistant_model', 'num_assistant_tokens'] as const;

/** Drafter that guesses the model's next tokens with an assistant, and caches the tokens it has read. */
export class AssistantDrafter implements Drafter {
  #state: DecoderState | undefined;
  /** The tokens that it remembers. */
  readonly #read: number[] = [];

  /** `V` is the number of tokens that the assisted model knows. */
  constructor(
    readonly module: Decoder,
    readonly tokens: number,
    readonly V: number,
  ) {}

  *draft(ids: readonly number[], most: number): Generator<void, readonly number[]> {
    const { module, tokens, V } = this;
    const count = Math.min(tokens, most, module.dims.positions - ids.length);
    if (count < 1) return [];
    this.#state ??= module.start(ids.length);
    // Guesses that the model rejected are removed from the cache.
    const known = Math.min(commonLength(this.#read, ids), ids.length - 1);
    if (known < this.#read.length) this.#state.truncate(known);
    this.#read.length = known;
    const drafted: number[] = [];
    for (let next = ids.slice(known); drafted.length < count; next = drafted.slice(-1)) {
      const token = yield* this.#after(this.#state, next);
      if (token < 0 || token >= V) break;
      drafted.push(token);
    }
    return drafted;
  }

  /** The most probable token behind `next`, which the assistant reads first. */
  *#after(state: DecoderState, next: readonly number[]): Generator<void, number> {
    for (let from = 0; ; from += PIECE) {
      const piece = next.slice(from, from + PIECE);
      const { logits } = yield* this.module.decode(Int32Array.from(piece), [1, piece.length], state, { last: 1 });
      this.#read.push(...piece);
      if (from + PIECE >= next.length) return argMax(logits.toHost().data as Float32Array);
    }
  }

  dispose(): void {
    this.#state?.dispose();
    this.#state = undefined;
    this.#read.length = 0;
  }
}

/** Drafter for the assistant model of a call. Throws ARGUMENT for a value that is no language model, for one that does not suit this model, and where guesses would have no effect. */
export function assistantOf(options: AssistantOptions, plan: Plan, { engine, module }: Assistant): Drafter | undefined {
  const { assistant_model: assistant, num_assistant_tokens: given } = options;
  const refused = (what: string, culprit: string, cure: string) => new HeedError('ARGUMENT', `generate: ${what}`, { culprit, cure });
  const count = given ?? 5;
  if (!(Number.isInteger(count) && count >= 1 && count <= MOST_DRAFTED))
    throw refused(
      `num_assistant_tokens is ${kindOf(given)}`,
      'num_assistant_tokens',
      `It must be a whole number from 1 to ${MOST_DRAFTED}`,
    );
  if (assistant === undefined) {
    if (given === undefined) return undefined;
    throw refused('num_assistant_tokens would have no effect', 'num_assistant_tokens', 'Give assistant_model');
  }
  const name = 'assistant_model';
  if (typeof assistant?.module?.decode !== 'function' || typeof assistant.module.start !== 'function')
    throw refused(`assistant_model is ${kindOf(assistant)}`, name, 'Give a language model, as AutoModelForCausalLM loads one');
  if (assistant.engine !== engine) throw refused('assistant_model is on another engine', name, 'Load both with the same engine');
  const [own, V] = [assistant.module.dims.V, module.dims.V];
  if (own !== V) throw refused(`assistant_model knows ${own} tokens, the model ${V}`, name, 'Both must have one tokenizer');
  if (!assistant.module.forgets) throw refused('assistant_model has convolutions, which cannot take back a guess', name, 'Take another');
  if (!plan.mayDraft)
    throw refused('assistant_model guesses what greedy search takes, of one text', name, 'Give one text, without do_sample and num_beams');
  if (plan.lookUp) throw refused('assistant_model and prompt_lookup_num_tokens both guess', name, 'Give one of them');
  return new AssistantDrafter(assistant.module, count, V);
}
