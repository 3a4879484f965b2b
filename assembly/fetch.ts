/**
 * Weights that come from memory, asked for before they are needed. WebAssembly has no prefetch, and a processor's own window does not reach far: arithmetic that waits for a cache line
 * fills it before the next line is asked for. Loads on which nothing but an `or` waits let many lines be on their way at once.
 */

/** Rows of a tile from which on it pays to fetch its panels first. */
export const FETCH: usize = 5;

/** Reads a word of every cache line, and leaves what it read at y: before a tile of many rows, which needs the panels again and again. 16 rows of MiniLM are 14 to 20 % faster. */
export function fetch(y: usize, w: usize, bytes: usize): void {
  let a = f32x4.splat(0), b = a;
  for (const end = w + (bytes & ~255); w < end; w += 256) {
    a = v128.or(a, v128.or(v128.load(w), v128.load(w, 64)));
    b = v128.or(b, v128.or(v128.load(w, 128), v128.load(w, 192)));
  }
  v128.store(y, v128.or(a, b));
}

/** How far before one row meets a block its lines are asked for: three to five blocks. */
const AHEAD: usize = 768;
/** Bytes behind the beginning of a block within which lies all that is read ahead beside it: AHEAD, and the last vector that is read of a block of 8 bits. */
const REACH: usize = AHEAD + 272;

/** Bytes from a block to what is read ahead beside it, where P panels are left; 0, the block itself, where that might lie behind the last one. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function ahead(panel: usize, P: usize): usize {
  return (P - 1) * panel >= REACH ? AHEAD : 0;
}

/** Reads a word of each of three cache lines from w on. Whoever calls stores what is returned, or the loads would go. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function read_lines(read: v128, w: usize): v128 {
  return v128.or(read, v128.or(v128.load(w), v128.or(v128.load(w, 64), v128.load(w, 128))));
}
