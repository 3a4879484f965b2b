/** The error that all decoders of pictures have. */
import { HeedError } from '../errors.js';

/** FORMAT: a file is no picture of its kind. */
export const malformedImage = (format: string, why: string, cause?: unknown): HeedError =>
  new HeedError('FORMAT', `The ${format} file cannot be read: ${why}`, { culprit: 'image', cause });
