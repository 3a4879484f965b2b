/**
 * Templates: which special tokens stand around one text or a pair, and which segment each token belongs to, as
 * tokenizer.json's `post_processor` describes it. Truncation asks them beforehand how many tokens they will add. An empty
 * second text is a text.
 */
import { HeedError } from '../errors.js';
import { isObject, type JsonNode } from '../io/json.js';
import { type Encoding, type Tokens, trim } from './encoding.js';
import { lookUp } from './parts.js';
import { LARGEST_ID } from './vocabulary.js';

type Slot = { readonly text: 'A' | 'B'; readonly type: number } | { readonly ids: readonly number[]; readonly type: number };
type Slots = readonly Slot[];

export interface Row {
  ids: number[];
  /** The segment of each token: 0 for a text alone. */
  typeIds: number[];
}

export class Template {
  constructor(
    readonly single: Slots,
    readonly pair: Slots,
    /** Whether offsets leave out the spaces around a token, and whether the tokenizer puts a space before a text. */
    readonly trims?: { readonly prefixed: boolean } | undefined,
  ) {}

  /** How many special tokens it adds. */
  count(isPair: boolean): number {
    return (isPair ? this.pair : this.single).reduce((sum, slot) => sum + ('ids' in slot ? slot.ids.length : 0), 0);
  }

  apply(a: readonly number[], b: readonly number[] | undefined, special: boolean): Row {
    const row: Row = { ids: [], typeIds: [] };
    for (const slot of b ? this.pair : this.single) {
      const ids = 'ids' in slot ? (special ? slot.ids : []) : slot.text === 'A' ? a : (b ?? []);
      for (const id of ids) {
        row.ids.push(id);
        row.typeIds.push(slot.type);
      }
    }
    return row;
  }

  /** As apply, with what is known of each token. */
  encoding(a: Tokens, b: Tokens | undefined, special: boolean): Encoding {
    const encoding: Encoding = { ids: [], typeIds: [], offsets: [], texts: [], words: [] };
    const texts = [a, b].map((tokens) => (tokens && this.trims ? trim(tokens, this.trims.prefixed) : tokens));
    for (const slot of b ? this.pair : this.single) {
      if ('ids' in slot && !special) continue;
      const index = 'ids' in slot ? undefined : slot.text === 'A' ? 0 : 1;
      const tokens = index === undefined ? undefined : texts[index];
      for (const [i, id] of ('ids' in slot ? slot.ids : (tokens?.ids ?? [])).entries()) {
        encoding.ids.push(id);
        encoding.typeIds.push(slot.type);
        encoding.offsets.push(tokens?.offsets[i] ?? [0, 0]);
        encoding.texts.push(index);
        encoding.words.push(tokens?.words[i]);
      }
    }
    return encoding;
  }
}

const A: Slot = { text: 'A', type: 0 };
const B: Slot = { text: 'B', type: 1 };
const plain = new Template([A], [A, B]);

const templates: Readonly<Record<string, (node: JsonNode) => Template>> = {
  TemplateProcessing: (node) => checked(node, new Template(slotsOf(node, 'single'), slotsOf(node, 'pair'))),
  BertProcessing: (node) => {
    const [cls, sep] = [specialOf(node, 'cls', 0), specialOf(node, 'sep', 0)];
    return new Template([cls, A, sep], [cls, A, sep, B, specialOf(node, 'sep', 1)]);
  },
  RobertaProcessing: (node) => {
    const [cls, sep] = [specialOf(node, 'cls', 0), specialOf(node, 'sep', 0)];
    return new Template([cls, A, sep], [cls, A, sep, sep, { text: 'B', type: 0 }, sep], trimsOf(node));
  },
  ByteLevel: (node) => new Template(plain.single, plain.pair, trimsOf(node)),
  Sequence: (node) => {
    const all = node.objects('processors').map(createTemplate);
    const steps = all.filter((step) => step.single !== plain.single);
    if (steps.length > 1)
      throw new HeedError('UNSUPPORTED', `${node.file}: heed applies one template, ${node.path} has ${steps.length}`, {
        culprit: node.path,
      });
    const { single, pair } = steps[0] ?? plain;
    return new Template(single, pair, all.find((step) => step.trims)?.trims);
  },
};

/** The template of a tokenizer.json; none adds nothing. */
export const templateOf = (root: JsonNode): Template =>
  root.get('post_processor') === undefined ? plain : createTemplate(root.object('post_processor'));

function createTemplate(node: JsonNode): Template {
  return lookUp(templates, node, 'post-processor')(node);
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
function checked(node: JsonNode, template: Template): Template {
  const texts = (slots: Slots) =>
    slots
      .flatMap((slot) => ('text' in slot ? slot.text : []))
      .sort()
      .join('');
  if (texts(template.single) !== 'A' || texts(template.pair) !== 'AB') throw node.error('must place A in single and A and B in pair');
  return template;
}
