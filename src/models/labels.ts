/** Names of a classifier's classes, from config.json or from the options of a user's own task. */
import { HeedError, kindOf } from '../errors.js';
import { isObject, type JsonNode, type JsonObject } from '../io/json.js';

/** Kinds of classification, under Hugging Face's names: labels that exclude each other, labels of which several may hold, or numbers. */
export const problemTypes = ['single_label_classification', 'multi_label_classification', 'regression'] as const;
export type ProblemType = (typeof problemTypes)[number];

/** Class number -> name: a list, or an object as in config.json. */
export type Id2Label = readonly string[] | Readonly<Record<number, string>>;

export interface LabelOptions {
  /** Number of classes. Default as many as id2label names, else 2. */
  num_labels?: number | undefined;
  /** Names of the classes. Default config.json's, or LABEL_0 …  where num_labels differs. */
  id2label?: Id2Label | undefined;
}

/** Largest number of labels; each is a row of a matrix, and a name. */
const MOST_LABELS = 1 << 20;

/** Names of all classes, in order. Throws ARGUMENT for invalid options, FORMAT for an invalid config. */
export function labelsOf(config: JsonNode, { num_labels, id2label }: LabelOptions): readonly string[] {
  const wrong = (name: string, what: string, cure: string) =>
    new HeedError('ARGUMENT', `from_pretrained: ${what}`, { culprit: name, cure });
  if (num_labels !== undefined && !(Number.isSafeInteger(num_labels) && num_labels >= 1 && num_labels <= MOST_LABELS))
    throw wrong('num_labels', `num_labels is ${kindOf(num_labels)}`, 'It is a whole number from 1');
  const given = id2label === undefined ? undefined : listOf(id2label);
  if (id2label !== undefined && !given)
    throw wrong('id2label', 'id2label does not name classes 0, 1, …', "Give ['negative', 'positive'], say");
  if (given && num_labels !== undefined && given.length !== num_labels)
    throw wrong('num_labels', `num_labels is ${num_labels}, and id2label names ${given.length}`, 'Give one of them');
  if (given) return given;
  const own = config.get('id2label') === undefined ? undefined : namesIn(config);
  const count = num_labels ?? own?.length ?? config.integer('num_labels', MOST_LABELS, 2);
  if (own?.length === count) return own;
  return Array.from({ length: Math.max(1, count) }, (_, i) => `LABEL_${i}`);
}

/** Whatever config.json has for names: numbers become texts, what has none is LABEL_n, and several classes may share one. Throws FORMAT. */
function namesIn(config: JsonNode): readonly string[] {
  const names = config.object('id2label').value;
  const count = Object.keys(names).length;
  const isName = (name: unknown) => ['string', 'number', 'boolean'].includes(typeof name);
  const list = Array.from({ length: count }, (_, id) => (Object.hasOwn(names, id) ? names[id] : `LABEL_${id}`));
  if (count > 0 && count <= MOST_LABELS && list.every(isName)) return list.map(String);
  throw config.error('must name classes in id2label');
}

/** The config of a model with these classes. */
export function configWith(config: JsonObject, labels: readonly string[]): JsonObject {
  const { num_labels: _, ...rest } = config;
  const label2id = Object.fromEntries(labels.map((label, id) => [label, id]));
  return { ...rest, id2label: Object.fromEntries(labels.entries()), label2id };
}

/** Different names for 0, 1, …; undefined where it is not that. */
function listOf(names: unknown): readonly string[] | undefined {
  if (!Array.isArray(names) && !isObject(names)) return undefined;
  const count = Object.keys(names).length;
  const list = Array.from({ length: count }, (_, id) => (Object.hasOwn(names, id) ? (names as JsonObject)[id] : undefined));
  const all = list.every((name): name is string => typeof name === 'string' && name !== '');
  return all && count > 0 && count <= MOST_LABELS && new Set(list).size === count ? list : undefined;
}
