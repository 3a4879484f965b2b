/** Pieces of a long sound, which overlap, and work on some of them at a time. */

/** Pieces, and sounds, that are heard side by side. */
const TOGETHER = 8;

/** Where pieces of `chunk` samples begin that share `shared` of them with the next: the last one ends with the sound. */
export function startsOf(samples: number, chunk: number, shared: number): number[] {
  const starts = [0];
  for (let at = 0; at + chunk < samples; starts.push(at)) at += chunk - shared;
  return starts;
}

/** Work on some at a time, in order. Where one fails the others have ended by then. */
export async function sideBySide<T>(items: readonly T[], work: (item: T, i: number) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += TOGETHER) {
    const some = items.slice(at, at + TOGETHER).map((item, i) => work(item, at + i));
    await Promise.allSettled(some);
    await Promise.all(some);
  }
}
