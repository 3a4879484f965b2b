/**
 * What lives on both sides of a port, by numbers in messages: models of the same worker, of which one may help another, and tokenizers, whose files cross once, with the first
 * message that has them.
 */
import { HeedError } from '../errors.js';
import { gone } from '../models/model.js';
import type * as crossing from '../text/crossing.js';
import type { CallableTokenizer } from '../text/tokenizer.js';

/** How tokenizers cross: text/crossing.ts, where a program has tokenizers. A bundle without them holds none of it. */
let texts: typeof crossing | undefined;
export const registerCrossing = (how: typeof crossing): void => {
  texts = how;
};

/** Options that are nothing without their methods, which do not cross: by name, whether a value is one. */
const staying: Readonly<Record<string, (value: unknown) => boolean>> = {
  ...Object.fromEntries(
    ['tokenizer', 'assistant_model', 'logits_processor', 'stopping_criteria', 'past_key_values'].map((name) => [name, () => true]),
  ),
  response_format: (value) => typeof (value as { processor?: unknown }).processor === 'function',
};

/** Whether an option cannot cross as data. */
export const stays = (name: string, value: unknown): boolean =>
  typeof value === 'function' || (value !== undefined && value !== null && Object.hasOwn(staying, name) && staying[name]?.(value) === true);

type Reference =
  | { heed: 'object'; object: number }
  | { heed: 'tokenizer'; tokenizer: number; files: string | undefined; settings: ReturnType<(typeof crossing)['settingsOf']> };

const isReference = (value: unknown): value is Reference =>
  ['object', 'tokenizer'].includes((value as { heed?: unknown } | null | undefined)?.heed as string);

/** The page's side. */
export class References {
  readonly #objects = new WeakMap<object, number>();
  readonly #tokenizers = new WeakMap<object, number>();
  #last = 0;

  /** A proxy stands for the worker's object of a number. */
  put(proxy: object, object: number): void {
    this.#objects.set(proxy, object);
  }

  /** What crosses in place of a value; undefined where nothing can. */
  of(value: object): Reference | undefined {
    const object = this.#objects.get(value);
    if (object !== undefined) return { heed: 'object', object };
    const known = this.#tokenizers.get(value);
    const files = known === undefined ? texts?.packed(value) : undefined;
    if (!texts || (known === undefined && files === undefined)) return undefined;
    return { heed: 'tokenizer', tokenizer: known ?? ++this.#last, files, settings: texts.settingsOf(value) };
  }

  /** The worker has the files from now on. */
  sent(value: object, reference: Reference): void {
    if (reference.heed === 'tokenizer') this.#tokenizers.set(value, reference.tokenizer);
  }
}

/** The worker's side: options with what references stand for. Throws ARGUMENT for a model that is gone. */
export class Referents {
  readonly #tokenizers = new Map<number, CallableTokenizer>();

  constructor(readonly objects: ReadonlyMap<number, unknown>) {}

  in(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
    return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, isReference(value) ? this.#behind(value) : value]));
  }

  #behind(reference: Reference): unknown {
    if (reference.heed === 'object') {
      const object = this.objects.get(reference.object);
      if (!object) throw gone();
      return object;
    }
    if (!texts)
      throw new HeedError('UNSUPPORTED', 'This worker has no tokenizers', {
        culprit: 'tokenizer',
        cure: 'Name AutoTokenizer or pipeline in it',
      });
    const { tokenizer: number, files, settings } = reference;
    if (files !== undefined) this.#tokenizers.set(number, texts.unpacked(files));
    const tokenizer = this.#tokenizers.get(number) as CallableTokenizer; // its files came before
    texts.settle(tokenizer, settings);
    return tokenizer;
  }
}
