/**
 * What is asked of a good model: ids and masks that are none, texts that nobody writes, options that make no sense, and the ops
 * with anything at all. Each gives an answer of the right shape, all of it finite, or fails.
 */
import type { Engine } from '../../dist/engine/engine.js';
import type { ModelInputs } from '../../dist/models/model.js';
import type { FeatureExtractor } from '../../dist/pipelines/feature_extraction.js';
import { HostTensor, Tensor } from '../../dist/tensor.js';
import type { Random } from '../cases/random.js';
import { type Call, callsOf, changed, strange, tensorsOn } from '../hostile/calls.js';
import { pick } from './files.js';

/** A good model on the engine under test, and calls of ops on it. */
export interface Subject {
  readonly engine: Engine;
  readonly extractor: FeatureExtractor;
  readonly calls: readonly Call[];
  /** What may be put in the place of an argument. */
  readonly values: readonly unknown[];
}

export function subjectOf(extractor: FeatureExtractor): Subject {
  const { engine } = extractor.model;
  const tensors = tensorsOn(engine);
  return { engine, extractor, calls: callsOf(tensors), values: [...strange, ...tensors.odd] };
}

const C = 32;
/** The reason of every abort: whoever is given up ends in just this. */
export const GIVEN_UP = new Error('given up');

/** Throws unless a host tensor holds finite numbers, as many as its dims say, which are these where they are given. */
export function expectTensor({ dims, data }: HostTensor, want: readonly (number | undefined)[], wild = false): void {
  const fits = dims.length === want.length && want.every((d, i) => d === undefined || d === dims[i]);
  if (!fits) throw new Error(`the answer is [${dims}], not [${want}]`);
  if (data.length !== dims.reduce((n, d) => n * d, 1)) throw new Error(`the answer is [${dims}] with ${data.length} elements`);
  if (!wild && !data.every(Number.isFinite)) throw new Error('the answer is not finite');
}

const ids = (random: Random, length: number): unknown[] => Array.from({ length }, () => random.below(97));
const oddIds = [
  Number.NaN,
  -1,
  97,
  1e9,
  2 ** 31,
  2 ** 53,
  1.5,
  Number.POSITIVE_INFINITY,
  '5',
  null,
  undefined,
  5n,
  -5n,
  2n ** 70n,
  {},
  [3],
  true,
  Symbol('id'),
];

/** [B, T] of ids, of which some may be wrong, in one of the forms that are taken, or in one that is not. */
function integers(random: Random, B: number, T: number): unknown {
  const rows = Array.from({ length: B }, () => ids(random, T));
  if (random.next() < 0.3 && B * T) (rows[random.below(B)] as unknown[])[random.below(T)] = pick(random, oddIds);
  const flat = rows.flat();
  const numbers = flat.map((id) => (typeof id === 'number' ? id : 1));
  const oddDims = [[T, B], [B * T], [B, T, 1], [-B, -T], [B, T + 1], [2 ** 31, 2 ** 31], ['1', T], null];
  const dims = random.next() < 0.7 ? [B, T] : pick<unknown>(random, oddDims);
  const forms = [
    () => ({ data: flat, dims }),
    () => ({ data: Int32Array.from(numbers), dims }),
    () => ({ data: BigInt64Array.from(numbers, (n) => BigInt(Number.isInteger(n) ? n : 7)), dims }),
    () => ({ data: Float64Array.from(numbers), dims }),
    () => rows.map((row, i) => (i ? row : row.slice(1))),
    () => [...rows, pick(random, [null, undefined, 'ab', 3, {}, [[]]])],
    () => new Array(1e9),
    () => ({ data: { length: 2 ** 40 }, dims: [1, 2 ** 40] }),
    () => pick(random, strange),
  ];
  return random.next() < 0.5 ? rows : pick(random, forms)();
}

/** Ids, masks and types of any form and any size. */
export async function modelInputs(random: Random, { extractor }: Subject): Promise<void> {
  const [B, T] = [pick(random, [0, 1, 1, 2, 3]), pick(random, [0, 1, 2, 3, 5, 7, 9, 12, 33, 64, 65])];
  const inputs: Record<string, unknown> = { input_ids: integers(random, B, T) };
  for (const name of ['attention_mask', 'token_type_ids']) {
    const bits = Array.from({ length: B }, () => Array.from({ length: T }, () => Number(random.next() < 0.7)));
    if (random.next() < 0.6) inputs[name] = random.next() < 0.7 ? bits : integers(random, pick(random, [B, B + 1]), T);
  }
  const options = random.next() < 0.3 ? { output_attentions: true, output_hidden_states: true } : {};
  const out = await extractor.model(inputs as unknown as ModelInputs, options);
  const [rows, columns] = out.last_hidden_state.dims;
  expectTensor(out.last_hidden_state, [undefined, undefined, C]);
  if (out.pooler_output) expectTensor(out.pooler_output, [rows, C]);
  for (const states of out.hidden_states ?? []) expectTensor(states, [rows, columns, C]);
  for (const weights of out.attentions ?? []) expectTensor(weights, [rows, 4, columns, columns]);
}

const pieces = [
  ...[
    'a',
    'cat',
    ' ',
    '\t\n',
    '\0',
    '[CLS]',
    '[PAD]',
    '[MASK]',
    '##x',
    'ﷺ',
    'ẞ',
    'İ',
    '字',
    '한',
    '\u0301',
    '\u200d',
    '👩‍👩‍👧',
    '𝒳',
    '\ud800',
    '\udfff',
    '\ufeff',
    '\uffff',
  ],
  ...['é', 'e\u0301', 'Σς', '\u202e', '\u{e0001}', '\u{10ffff}', '🇩', '𐐀', '٣', '½', '­', '__proto__', '<script>', '%s', "'; --"],
];
const text = (random: Random): string => Array.from({ length: random.below(30) }, () => pick(random, pieces)).join('');

/** One in a thousand is as long as a book's chapter. */
function anyText(random: Random): unknown {
  const at = random.next();
  if (at < 0.001) return pick(random, pieces).repeat(100_000).slice(0, 100_000);
  return at < 0.85 ? text(random) : pick(random, strange);
}

/** Texts of any kind, alone and in lists. */
export async function texts(random: Random, { extractor }: Subject): Promise<void> {
  const list = random.next() < 0.5 ? anyText(random) : Array.from({ length: random.below(5) }, () => anyText(random));
  const pooling = pick(random, ['none', 'mean', 'cls'] as const);
  const out = await extractor(list as string[], { pooling, normalize: random.next() < 0.5 });
  const count = Array.isArray(list) ? list.length : 1;
  expectTensor(out, pooling === 'none' ? [count, undefined, C] : [count, C]);
}

interface Optional {
  readonly names: readonly string[];
  readonly call: (subject: Subject, options: Record<string, unknown>, random: Random) => unknown;
}

const encoding = ['add_special_tokens', 'truncation', 'max_length', 'text_pair'];
const optionals: readonly Optional[] = [
  { names: ['pooling', 'normalize', 'max_length', 'signal', 'onProgress'], call: ({ extractor }, options) => extractor('a cat', options) },
  {
    names: ['output_attentions', 'output_hidden_states', 'signal'],
    call: ({ extractor }, options) => extractor.model({ input_ids: [[2, 5, 3]] }, options),
  },
  { names: [...encoding, 'padding'], call: ({ extractor }, options, random) => extractor.tokenizer(['a', text(random)], options) },
  { names: encoding, call: ({ extractor }, options, random) => extractor.tokenizer.encode(text(random), options) },
  {
    names: ['skip_special_tokens', 'clean_up_tokenization_spaces'],
    call: ({ extractor }, options, random) =>
      extractor.tokenizer.decode(pick(random, [[2, 5, 3], ids(random, 9), oddIds]) as number[], options),
  },
];
const optionValues = [...strange, 'mean', 'cls', 5, 64, 65, false, 'longest', 'max_length', 'longest_first', AbortSignal.abort(GIVEN_UP)];

/** Wrong values for the options of a pipeline, a model and a tokenizer, and options that they do not have. */
export async function options(random: Random, subject: Subject): Promise<void> {
  const { names, call } = pick(random, optionals);
  const given: Record<string, unknown> = {};
  for (let n = 1 + random.below(2); n > 0; n--) {
    const name = pick(random, random.next() < 0.9 ? names : pick(random, optionals).names);
    given[random.next() < 0.02 ? '__proto__x' : name] = pick(random, optionValues);
  }
  await call(subject, given, random);
}

/** An op or a module with anything at all in the place of one or two arguments. */
export async function anyOp(random: Random, { engine, calls, values }: Subject): Promise<void> {
  const { args, run } = pick(random, calls);
  let wrong: readonly unknown[] = args;
  for (let n = 1 + random.below(2); n > 0 && wrong.length; n--) {
    const all = [...changed(wrong, [pick(random, values)])];
    if (all.length) wrong = pick(random, all);
  }
  engine.scope(() => {
    const result = run(...(wrong as never[]));
    if (result instanceof Tensor && result.isContiguous && !result.storage.freed) {
      const host = result.toHost();
      if (!(host instanceof HostTensor)) throw new Error('no tensor');
      expectTensor(host, result.shape, true);
    }
  });
}
