/**
 * The only type of error that leaves heed: a code that programs can test, and a message that names the culprit, its shape where it has one, and the cure. An abort
 * is the only exception: it rejects with `signal.reason`.
 */

/** Codes of errors, with their meanings. */
export const errorCodes = {
  /** Axes of a tensor do not fit: `shape` has them. */
  SHAPE: 'a tensor has the wrong shape',
  /** Element type other than an op or a file needs. */
  DTYPE: 'a tensor has the wrong element type',
  /** Option, index or text that is invalid: `culprit` names it. */
  ARGUMENT: 'an argument is out of range or of the wrong kind',
  /** Option, format or feature that is missing in heed, or in the runtime: SIMD, files, workers. */
  UNSUPPORTED: 'an option, format or feature that heed does not have',
  /** JSON, safetensors or tokenizer.json that cannot be read. */
  FORMAT: 'a file is malformed',
  /** Tensors that are missing, superfluous or of another shape, or a model that is not for the task. */
  MODEL_MISMATCH: 'a checkpoint does not fit the model',
  /** Path, model of a hub, or revision that does not exist. */
  NOT_FOUND: 'a file or model is not there',
  /** Download that failed; trying again may help. */
  NETWORK: 'a download failed',
  /** File that cannot be written; its old contents remain. */
  STORAGE: 'a file cannot be written: no room, or no permission',
  /** Memory beyond `memory.maximum` of createEngine, or beyond the runtime's limit; free tensors and models, or take smaller batches. */
  MEMORY: 'WebAssembly memory cannot hold it',
  /** Engine that is lost: a new one is needed, and models must be loaded again. */
  ENGINE_LOST: 'the engine was disposed, or one of its workers died',
  /** NaN or infinity in the output of a model, or in a gradient. */
  NUMERIC: 'a value is not finite',
} as const;

/** Code of a HeedError: a key of `errorCodes`, which has the meaning of each. */
export type ErrorCode = keyof typeof errorCodes;

/** Details of a HeedError, beside its code and its message. */
export interface ErrorDetails {
  /** Tensor, argument or file at fault. */
  culprit?: string;
  /** Shape of the culprit. */
  shape?: readonly number[];
  /** Advice on what to do about the error; appended to the message. */
  cure?: string;
  /** Error that caused this one, as in `Error`. */
  cause?: unknown;
}

/**
 * Error that heed throws, and rejects with: a code for programs, and a message that names the culprit, its shape and the cure.
 * @example
 * ```js
 * try {
 *   await pipeline('translation', 'nobody/nothing');
 * } catch (error) {
 *   if (error instanceof HeedError && error.code === 'NOT_FOUND') console.log(error.cure);
 * }
 * ```
 */
export class HeedError extends Error {
  /** Code of the error, for programs. */
  readonly code: ErrorCode;
  /** Tensor, argument or file at fault. */
  readonly culprit: string | undefined;
  /** Shape of the culprit, where it has one. */
  readonly shape: readonly number[] | undefined;
  /** Advice on what to do about the error; the end of the message. */
  readonly cure: string | undefined;

  constructor(code: ErrorCode, message: string, { culprit, shape, cure, cause }: ErrorDetails = {}) {
    super(cure ? `${message}. ${cure}` : message, cause === undefined ? undefined : { cause });
    this.name = 'HeedError';
    this.code = code;
    this.culprit = culprit;
    this.shape = shape;
    this.cure = cure;
  }
}

/** Returns a path or URL for a message: without a URL's password and query, since tokens travel in them and messages end up in logs. */
export const shown = (location: string): string => location.replace(/^([a-z][\w+.-]*:\/\/)(?:[^/?#]*@)?([^?#]*).*$/is, '$1$2');

/** Returns the text of any value for a message: not every object converts to a string. */
export const kindOf = (value: unknown): string =>
  typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean'
    ? JSON.stringify(String(value).slice(0, 60)).slice(1, -1)
    : value === null || value === undefined
      ? String(value)
      : Array.isArray(value)
        ? 'a list'
        : typeof value === 'object'
          ? 'an object'
          : `a ${typeof value}`;

/** Throws ARGUMENT for options that are no object. */
export function expectOptions(options: object, where: string): void {
  if (typeof options !== 'object' || options === null || Symbol.iterator in options)
    throw new HeedError('ARGUMENT', `${where}: the options are ${kindOf(options)}`, {
      culprit: 'options',
      cure: 'Give an object, or nothing',
    });
}

/** Throws ARGUMENT for options that are no object, UNSUPPORTED for an unknown option, which would otherwise be ignored in silence. */
export function checkOptions(options: object, known: readonly string[], where: string): void {
  expectOptions(options, where);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || known.includes(name)) continue;
    throw new HeedError('UNSUPPORTED', `${where} has no option ${name}`, { culprit: name, cure: `It has ${known.join(', ')}` });
  }
}

/** `true` for an AbortSignal, or an object that can throw its abort as one. */
export const isSignal = (value: unknown): value is AbortSignal => typeof (value as AbortSignal | null)?.throwIfAborted === 'function';

/** Throws ARGUMENT for a signal that is no AbortSignal. */
export function expectSignal(signal: unknown): void {
  if (signal === undefined || isSignal(signal)) return;
  throw new HeedError('ARGUMENT', `signal is ${kindOf(signal)}`, { culprit: 'signal', cure: 'It must be an AbortSignal' });
}
