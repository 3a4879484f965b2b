/** Descriptions of failed writes, and what to do about them. */
import { HeedError } from '../errors.js';

const reasons: Readonly<Record<string, readonly [string, string]>> = {
  ENOSPC: ['the disk is full', 'Make room, or choose another folder'],
  EDQUOT: ['the quota of the disk is used up', 'Make room, or choose another folder'],
  EFBIG: ['the file would be larger than the system allows', 'Choose another folder, or raise the limit'],
  EROFS: ['the file system is read-only', 'Choose another folder'],
  EACCES: ['the folder may not be written to', 'Check its permissions, or choose another'],
  EPERM: ['the folder may not be written to', 'Check its permissions, or choose another'],
  ENOENT: ['its folder cannot be made', 'Choose another folder'],
  ENOTDIR: ['it, or a part of its path, is a file', 'Check the path'],
  EEXIST: ['a part of the path is a file', 'Check the path'],
  EISDIR: ['it is a folder', 'Check the path'],
  EIO: ['the disk failed', 'Check it, or choose another folder'],
};

/** Makes a STORAGE error of a failed write; `cure` replaces the known cure. */
export function storageFailure(location: string, what: string, cause: unknown, cure?: string): HeedError {
  const [why, known] = reasons[codeOf(cause)] ?? [messageOf(cause), 'Check the path'];
  return new HeedError('STORAGE', `${location} ${what}: ${why}`, { culprit: location, cure: cure ?? known, cause });
}

/** Code of an error: its name for Deno's refusals, which do not always have a code. */
export const codeOf = (error: unknown): string =>
  !(error instanceof Error) || error instanceof HeedError
    ? ''
    : error.name === 'NotCapable'
      ? 'EACCES'
      : 'code' in error
        ? String(error.code)
        : '';
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
