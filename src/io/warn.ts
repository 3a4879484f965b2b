/** Warnings: what a user should know of although heed goes on. They go to the console, unless settings want none. */
let wanted = (): boolean => true;

/** Asks this, from now on, before a warning is written. */
export function warnIf(ask: () => boolean): void {
  wanted = ask;
}

export function warn(message: string): void {
  if (wanted()) console.warn(`heed: ${message}`);
}
