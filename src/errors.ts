/**
 * The one error type that leaves heed: a code that programs can test, and a message that names the culprit, its
 * shape where it has one, and the cure. An abort is the only exception: it rejects with `signal.reason`.
 */

/** Every code, with what it stands for. */
export const errorCodes = {
  SHAPE: 'a tensor has the wrong shape',
  DTYPE: 'a tensor has the wrong element type',
  ARGUMENT: 'an argument is out of range or of the wrong kind',
  UNSUPPORTED: 'an option, format or feature that heed does not have',
  FORMAT: 'a file is malformed',
  MODEL_MISMATCH: 'a checkpoint does not fit the model',
  NOT_FOUND: 'a file or model is not there',
  NETWORK: 'a download failed',
  STORAGE: 'a file cannot be written: no room, or no permission',
  MEMORY: 'WebAssembly memory cannot hold it',
  ENGINE_LOST: 'the engine was disposed, or one of its workers died',
  NUMERIC: 'a value is not finite',
} as const;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorDetails {
  /** The tensor, argument or file at fault. */
  culprit?: string;
  /** The culprit's shape. */
  shape?: readonly number[];
  /** What to do about it; appended to the message. */
  cure?: string;
  cause?: unknown;
}

/** @example new HeedError('SHAPE', `Linear: input is [${x.shape}], its last axis must be 384`, { culprit: 'x', shape: x.shape }) */
export class HeedError extends Error {
  readonly code: ErrorCode;
  readonly culprit: string | undefined;
  readonly shape: readonly number[] | undefined;
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
