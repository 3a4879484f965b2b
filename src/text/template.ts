/**
 * Templates: the special tokens around one text or a pair, and the segment of each token, as
 * tokenizer.json's `post_processor` describes them. Truncation asks a template beforehand how many tokens it will add. An empty
 * second text is a text.
 */
import { isObject, type JsonNode } from '../io/json.js';
import type { Span } from './aligned.js';
import { type Encoding, type Tokens, trim } from './encoding.js';
import { lookUp, stepsOf } from './parts.js';
import { LARGEST_ID } from './vocabulary.js';

type Slot = { readonly text: 'A' | 'B'; readonly type: number } | { readonly ids: readonly number[]; readonly type: number };
type Slots = readonly Slot[];

export interface Row {
  ids: number[];
  /** The segment of each token: 0 for a text alone. */
  typeIds: number[];
}

/** Offsets leave out the spaces around a token; whether the tokenizer puts a space before a text. */
interface Trims {
  readonly prefixed: boolean;
}

export class Template {
  constructor(
    readonly single: Slots,
    readonly pair: Slots,
    /** Trims of offsets, one for each step that leaves out the spaces around a token. */
    readonly trims: readonly Trims[],
  ) {}

  /** Number of special tokens that the template adds. */
  count(isPair: boolean): number {
    return (isPair ? this.pair : this.single).reduce((sum, slot) => sum + ('ids' in slot ? slot.ids.length : 0), 0);
  }

  apply(a: readonly number[], b: readonly number[] | undefined, special: boolean): Row {
    const slots = this.#slots(b !== undefined, special);
    const lists = slots.map((slot) => ('ids' in slot ? slot.ids : slot.text === 'A' ? a : (b ?? [])));
    return { ids: joined(lists), typeIds: joined(lists.map((ids, i) => repeated(slots[i]?.type ?? 0, ids.length))) };
  }

  /** Applies the template like `apply`, with place and word of each token. */
  encoding(a: Tokens, b: Tokens | undefined, special: boolean): Encoding {
    const texts = [a, b].map((tokens) => tokens && this.trims.reduce((kept, { prefixed }) => trim(kept, prefixed), tokens));
    const parts = this.#slots(b !== undefined, special).map((slot) => {
      const index = 'ids' in slot ? undefined : slot.text === 'A' ? 0 : 1;
      const tokens = index === undefined ? undefined : texts[index];
      const ids = 'ids' in slot ? slot.ids : (tokens?.ids ?? []);
      const each = <T>(value: T) => repeated(value, ids.length);
      const none: Span = [0, 0];
      return {
        ids,
        typeIds: each(slot.type),
        offsets: tokens?.offsets ?? each(none),
        texts: each<0 | 1 | undefined>(index),
        words: tokens?.words ?? each(undefined),
      };
    });
    return {
      ids: joined(parts.map(({ ids }) => ids)),
      typeIds: joined(parts.map(({ typeIds }) => typeIds)),
      offsets: joined(parts.map(({ offsets }) => offsets)),
      texts: joined(parts.map(({ texts }) => texts)),
      words: joined<number | undefined>(parts.map(({ words }) => words)),
    };
  }

  #slots(isPair: boolean, special: boolean): Slots {
    const slots = isPair ? this.pair : this.single;
    return special ? slots : slots.filter((slot) => !('ids' in slot));
  }
}

// An element at a time millions of tokens would take seconds.
const joined = <T>(lists: readonly (readonly T[])[]): T[] => ([] as T[]).concat(...lists);
const repeated = <T>(value: T, count: number): T[] => new Array<T>(count).fill(value);

const A: Slot = { text: 'A', type: 0 };
const B: Slot = { text: 'B', type: 1 };

/** Slots of each text so far: one group, or two for a pair. */
type Groups = readonly Slots[];

/** A post-processor: the slots it puts around the groups, and its trim of offsets. */
interface Step {
  arrange?(groups: Groups): Groups;
  readonly trims?: Trims | undefined;
}

/** Steps in turn, from a text's tokens as they are. */
function templateFrom(steps: readonly Step[]): Template {
  const slots = (groups: Groups) => steps.reduce((all, step) => step.arrange?.(all) ?? all, groups).flat();
  return new Template(
    slots([[A]]),
    slots([[A], [B]]),
    steps.flatMap(({ trims }) => trims ?? []),
  );
}

const ofType = (slots: Slots, type: number): Slots => slots.map((slot) => ({ ...slot, type }));

const MOST_STEPS = 64;

const processors: Readonly<Record<string, (node: JsonNode) => Step>> = {
  TemplateProcessing: (node) => {
    const [single, pair] = [slotsOf(node, 'single'), slotsOf(node, 'pair')];
    checkTexts(node, single, 'A');
    checkTexts(node, pair, 'AB');
    return {
      arrange(groups) {
        if (groups.length > 2) throw node.error(`cannot place ${groups.length} texts: another template stands before it`);
        return (groups.length === 1 ? single : pair).map((slot) =>
          'ids' in slot ? [slot] : ofType(groups[slot.text === 'A' ? 0 : 1] as Slots, slot.type),
        );
      },
    };
  },
  BertProcessing: (node) => {
    const [cls, sep] = [specialOf(node, 'cls', 0), specialOf(node, 'sep', 0)];
    const second = specialOf(node, 'sep', 1);
    return { arrange: (groups) => groups.map((group, i) => (i ? [...group, second] : [cls, ...group, sep])) };
  },
  RobertaProcessing: (node) => {
    const [cls, sep] = [specialOf(node, 'cls', 0), specialOf(node, 'sep', 0)];
    return { arrange: (groups) => groups.map((group, i) => [i ? sep : cls, ...ofType(group, 0), sep]), trims: trimsOf(node) };
  },
  ByteLevel: (node) => ({ trims: trimsOf(node) }),
};

/** The template of a tokenizer.json; none adds nothing. */
export function templateOf(root: JsonNode): Template {
  if (root.get('post_processor') === undefined) return templateFrom([]);
  const node = root.object('post_processor');
  const steps = node.get('type') === 'Sequence' ? stepsOf(node, 'processors') : [node];
  if (steps.length > MOST_STEPS) throw node.error(`has ${steps.length} steps, more than ${MOST_STEPS}`);
  return templateFrom(steps.map((step) => lookUp(processors, step, 'post-processor')(step)));
}

const trimsOf = (node: JsonNode) => (node.boolean('trim_offsets', true) ? { prefixed: node.boolean('add_prefix_space', true) } : undefined);

/** "cls": ["[CLS]", 101] */
function specialOf(node: JsonNode, key: string, type: number): Slot {
  const id = node.array(key)[1];
  if (!isId(id)) throw node.error(`has no id for ${key}`);
  return { ids: [id], type };
}

/** [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, …] */
function slotsOf(node: JsonNode, key: string): Slots {
  return node.objects(key).map((item) => {
    const isText = item.get('Sequence') !== undefined;
    const slot = item.object(isText ? 'Sequence' : 'SpecialToken');
    const id = slot.string('id');
    const type = slot.integer('type_id', 0xffff, 0);
    if (!isText) return { ids: idsOf(node.object('special_tokens'), id), type };
    if (id === 'A' || id === 'B') return { text: id, type };
    throw slot.error('must be A or B');
  });
}

/** "special_tokens": {"[CLS]": {"ids": [101], …}, …} */
function idsOf(tokens: JsonNode, name: string): readonly number[] {
  const token = tokens.get(name);
  const ids = isObject(token) ? token.ids : undefined;
  if (Array.isArray(ids) && ids.length <= 64 && ids.every(isId)) return ids;
  throw tokens.error(`does not give the ids of ${JSON.stringify(name.slice(0, 60))}`);
}

const isId = (id: unknown): id is number => Number.isInteger(id) && (id as number) >= 0 && (id as number) <= LARGEST_ID;

/** Every text must come up once. */
function checkTexts(node: JsonNode, slots: Slots, wanted: string): void {
  const texts = slots.flatMap((slot) => ('text' in slot ? slot.text : []));
  if (texts.sort().join('') !== wanted) throw node.error('must place A in single and A and B in pair');
}
