/**
 * The one error type that leaves heed: a code that programs can test, and a message that names the culprit, its
 * shape where it has one, and the cure. An abort is the only exception: it rejects with `signal.reason`.
 */

/** Every code, with what it stands for. */
export const errorCodes = {
  /** A tensor's axes do not fit: `shape` has them. */
  SHAPE: 'a tensor has the wrong shape',
  /** An op or a file wants another element type. */
  DTYPE: 'a tensor has the wrong element type',
  /** An option, an index, a text: `culprit` names it. */
  ARGUMENT: 'an argument is out of range or of the wrong kind',
  /** Also for what the runtime does not have: SIMD, files, workers. */
  UNSUPPORTED: 'an option, format or feature that heed does not have',
  /** JSON, safetensors or tokenizer.json that cannot be read. */
  FORMAT: 'a file is malformed',
  /** Tensors that are missing, superfluous or of another shape, or a model that is not for the task. */
  MODEL_MISMATCH: 'a checkpoint does not fit the model',
  /** A path, a hub's model, a revision of it. */
  NOT_FOUND: 'a file or model is not there',
  /** Trying again may help. */
  NETWORK: 'a download failed',
  /** What was there before remains. */
  STORAGE: 'a file cannot be written: no room, or no permission',
  /** Beyond `memory.maximum` of createEngine, or what the runtime gives; free tensors and models, or take smaller batches. */
  MEMORY: 'WebAssembly memory cannot hold it',
  /** A new engine is needed, and models are to be loaded again. */
  ENGINE_LOST: 'the engine was disposed, or one of its workers died',
  /** A NaN or an infinity in what a model gives, or in a gradient. */
  NUMERIC: 'a value is not finite',
} as const;

/** A code of HeedError: a key of `errorCodes`, which says what each stands for. */
export type ErrorCode = keyof typeof errorCodes;

/** What a HeedError knows beside its code and its message. */
export interface ErrorDetails {
  /** The tensor, argument or file at fault. */
  culprit?: string;
  /** The culprit's shape. */
  shape?: readonly number[];
  /** What to do about it; appended to the message. */
  cure?: string;
  /** The error behind it, as of `Error`. */
  cause?: unknown;
}

/**
 * What heed throws, and rejects with: a code for programs, and a message that names the culprit, its shape and the cure.
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
  /** What kind of error it is, for programs. */
  readonly code: ErrorCode;
  /** The tensor, argument or file at fault. */
  readonly culprit: string | undefined;
  /** The culprit's shape, where it has one. */
  readonly shape: readonly number[] | undefined;
  /** What to do about it; the end of the message. */
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

/** A path or URL as messages show it: without a URL's password and query, since tokens travel in them and messages end up in logs. */
export const shown = (location: string): string => location.replace(/^([a-z][\w+.-]*:\/\/)(?:[^/?#]*@)?([^?#]*).*$/is, '$1$2');

/** A value of any kind in a message: not every object has a string. */
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

/** Throws ARGUMENT for options that are no object, UNSUPPORTED for one that nobody reads: silence would look like obedience. */
export function checkOptions(options: object, known: readonly string[], where: string): void {
  expectOptions(options, where);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || known.includes(name)) continue;
    throw new HeedError('UNSUPPORTED', `${where} has no option ${name}`, { culprit: name, cure: `It has ${known.join(', ')}` });
  }
}
