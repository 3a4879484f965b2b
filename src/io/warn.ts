/** Warnings of problems despite which heed continues. They go to the console, unless settings suppress them. */
let wanted = (): boolean => true;

/** Sets the condition that is checked before a warning is written. */
export function warnIf(ask: () => boolean): void {
  wanted = ask;
}

export function warn(message: string): void {
  if (wanted()) console.warn(`heed: ${message}`);
}
