/** Pictures among a command's arguments: files and addresses, and - for the bytes of standard input. */
import { RawImage } from '../image/raw_image.js';

/** Argument that stands for standard input. */
const STDIN = '-';

/** Reads a picture. Rejects as RawImage.read does. */
export async function pictureAt(path: string): Promise<RawImage> {
  return RawImage.read(path === STDIN ? await bytesOfInput() : path);
}

/** All of standard input, which ends once: it is kept for those who name it again. */
let given: Promise<Uint8Array> | undefined;
function bytesOfInput(): Promise<Uint8Array> {
  given ??= (async () => {
    const pieces: Buffer[] = [];
    for await (const piece of process.stdin) pieces.push(piece as Buffer);
    return new Uint8Array(Buffer.concat(pieces));
  })();
  return given;
}
