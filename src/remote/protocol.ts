/**
 * Messages between a page and the worker that runs its models. Requests carry a number that their replies repeat. Values that structured cloning supports cross as
 * they are; host tensors and errors, which would lose their class, cross as plain objects; functions do not cross, except a few listeners: calling one in the
 * worker becomes a message, and a call in the page.
 */
import { type ErrorCode, HeedError } from '../errors.js';
import { type HostData, type HostDtype, HostTensor } from '../tensor.js';

/** Options that are listeners, or objects whose methods are: their functions are called with copies, later. */
export const listeners: Readonly<Record<string, readonly string[] | undefined>> = {
  progress_callback: undefined,
  onProgress: undefined,
  onLog: undefined,
  onText: undefined,
  onSegment: undefined,
  onChunk: undefined,
  streamer: ['put', 'end', 'stopsAt'],
};

/** Methods of a loaded object that a page may call, with the number of their arguments before the options, which come last. The object itself may be called too. */
export const methods: Readonly<Record<string, number>> = {
  forward: 1,
  generate: 0,
  fit: 1,
  classify: 1,
  save_pretrained: 1,
  ...{ encode: 1, encode_query: 1, encode_document: 1, rank: 2, perplexity: 1 },
  ...{ load_adapter: 2, set_adapter: 1, delete_adapter: 1 },
};

/** Arguments of a call, the last of which are options: those that cross, and the names of the listeners to call, `onProgress` or `streamer.put`. */
export interface Call {
  args: readonly unknown[];
  options: Readonly<Record<string, unknown>>;
  listens: readonly string[];
}

export type Request =
  | { ask: 'ready' }
  /** Loads an object by a name that the worker knows; the reply describes the object, with its number. */
  | { ask: 'load'; id: number; what: string; call: Call }
  /** Calls a method of an object, or, without a method, the object itself. */
  | { ask: 'call'; id: number; object: number; method?: string; call: Call }
  | { ask: 'abort'; id: number }
  | { ask: 'dispose'; object: number };

export type Reply =
  | { tell: 'ready' }
  | { tell: 'result'; id: number; value: unknown }
  | { tell: 'error'; id: number; error: unknown }
  | { tell: 'notice'; id: number; listener: string; args: readonly unknown[] };

/** Description of a loaded object for the page. */
export interface Loaded {
  object: number;
  /** Properties that can be copied: config, engine's info. */
  facts: Readonly<Record<string, unknown>>;
  /** Names of the methods that can be called, `stream` included. */
  methods: readonly string[];
  /** Number of arguments of the object's own call before its options. */
  inputs: number;
}

interface PlainTensor {
  heed: 'tensor';
  type: HostDtype;
  data: HostData;
  dims: number[];
}

interface PlainError {
  heed: 'error';
  code: ErrorCode;
  message: string;
  culprit: string | undefined;
  shape: readonly number[] | undefined;
  cure: string | undefined;
}

type Plain = Record<string, unknown> & { heed?: unknown };

const isRecord = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value));

/** A class of results, beside tensors, that has methods on the other side too. */
export interface ResultClass<T extends object = object> {
  /** The word for it in messages. */
  readonly name: string;
  is(value: unknown): value is T;
  /** Its data, and what it is made of again. */
  pack(value: T): Record<string, unknown>;
  unpack(data: Record<string, unknown>): T;
}

/** By name: a bundle holds the classes that its program has. */
const classes = new Map<string, ResultClass>();
export const registerResult = <T extends object>(kind: ResultClass<T>): void => void classes.set(kind.name, kind as unknown as ResultClass);

/** Converts a result for the message; the buffers of its tensors, which nobody else holds, are collected in `transfer`. */
export function pack(value: unknown, transfer: Set<ArrayBuffer>): unknown {
  if (value instanceof HostTensor) {
    transfer.add(value.data.buffer as ArrayBuffer);
    return { heed: 'tensor', type: value.type, data: value.data, dims: value.dims } satisfies PlainTensor;
  }
  for (const kind of classes.values()) if (kind.is(value)) return { ...kind.pack(value), heed: kind.name };
  if (Array.isArray(value)) return value.map((item) => pack(item, transfer));
  if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, pack(item, transfer)]));
  return value;
}

export function unpack(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpack);
  if (!isRecord(value)) return value;
  if (value.heed === 'tensor') {
    const { type, data, dims } = value as unknown as PlainTensor;
    return new HostTensor(type, data, dims);
  }
  const kind = typeof value.heed === 'string' ? classes.get(value.heed) : undefined;
  if (kind) return kind.unpack(value);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, unpack(item)]));
}

export function packError(error: unknown): unknown {
  // Other properties of an error need not cross.
  if (!(error instanceof HeedError)) return new Error(error instanceof Error ? error.message : String(error));
  const { code, message, culprit, shape, cure } = error;
  return { heed: 'error', code, message, culprit, shape, cure } satisfies PlainError;
}

export function unpackError(error: unknown): unknown {
  if (!isRecord(error) || error.heed !== 'error') return error;
  const { code, message, culprit, shape, cure } = error as unknown as PlainError;
  // The message already has the cure at its end.
  const text = cure && message.endsWith(`. ${cure}`) ? message.slice(0, -cure.length - 2) : message;
  return new HeedError(code, text, { ...(culprit && { culprit }), ...(shape && { shape }), ...(cure && { cure }) });
}

/** Names of a listener in messages: its own, or those of its methods. */
export const namesOf = (listener: string): readonly string[] => listeners[listener]?.map((method) => `${listener}.${method}`) ?? [listener];
