/** JPEG files: what their headers say, and which of them the decoder is given. It turns them upright itself. */
import { HeedError } from '../errors.js';
import { decodeWith, narrowed } from './codec.js';
import { malformedImage } from './malformed.js';
import type { Pixels } from './resample.js';

const malformed = (why: string) => malformedImage('JPEG', why);

/** Most scans of a progressive file: each goes over the whole picture, so that a small file of many could take minutes. */
const MOST_SCANS = 100;

/** Whether bytes begin as a JPEG file does. */
export const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly components: number;
}

/** Markers of frames that libjpeg decodes: baseline, extended, progressive; and names of the others. */
const frames: Readonly<Record<number, string | undefined>> = {
  195: 'lossless',
  197: 'hierarchical',
  198: 'hierarchical',
  199: 'lossless',
  201: 'arithmetic-coded',
  202: 'arithmetic-coded',
  203: 'lossless',
  205: 'hierarchical',
  206: 'hierarchical',
  207: 'lossless',
};

const refused = (what: string) =>
  new HeedError('UNSUPPORTED', `A JPEG file ${what} cannot be read`, {
    culprit: 'image',
    cure: 'Convert it to RGB, 8 bits, baseline or progressive',
  });

/** Reads markers up to the end. Throws FORMAT, UNSUPPORTED. */
function frameOf(bytes: Uint8Array): Frame {
  let frame: Frame | undefined;
  let scans = 0;
  for (let at = 2; at + 4 <= bytes.length; ) {
    // Within a scan, 0xff is followed by 0 or by a restart marker.
    const marker = bytes[at + 1] as number;
    if (bytes[at] !== 0xff || marker === 0 || marker === 0xff || (marker >= 0xd0 && marker <= 0xd7)) {
      at++;
      continue;
    }
    if (marker === 0xd9 && scans > 0) break;
    const length = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame && !frame) {
      const kind = frames[marker];
      if (kind) throw refused(`that is ${kind}`);
      const [precision, h1 = 0, h0 = 0, w1 = 0, w0 = 0, components = 0] = bytes.subarray(at + 4, at + 10);
      frame = { width: (w1 << 8) | w0, height: (h1 << 8) | h0, components };
      if (precision !== 8) throw refused(`of ${precision} bits`);
      if (components === 4) throw refused('of four inks, CMYK,');
      if (!frame.width || !frame.height || ![1, 3].includes(components)) throw malformed('its header has no size or colours');
    }
    if (marker === 0xda && ++scans > MOST_SCANS) throw refused(`of more than ${MOST_SCANS} scans`);
    at += 2 + Math.max(2, length);
  }
  if (frame) return frame;
  throw malformed('it has no header');
}

/** Width and height of a JPEG file, as it lies. Throws FORMAT, UNSUPPORTED. */
export const jpegSize = (bytes: Uint8Array): Frame => frameOf(bytes);

/** Whether the end's marker is there; bytes behind it are let be. */
function isWhole(bytes: Uint8Array): boolean {
  for (let at = bytes.length - 2; at > 0; at--) {
    if (bytes[at] !== 0xff) continue;
    if (bytes[at + 1] === 0xd9) return true;
    if (bytes[at + 1] === 0xda) return false;
  }
  return false;
}

/** Decodes a JPEG file, upright, to 1 channel for grey, 3 for colours: the bytes that Pillow gives. Rejects with FORMAT. */
export async function decodeJpeg(bytes: Uint8Array): Promise<Pixels> {
  const { components } = frameOf(bytes);
  if (!isWhole(bytes)) throw malformed('it ends early');
  return narrowed(await decodeWith('jpeg', bytes), components as 1 | 3);
}
