/** Messages between a page and the server in its worker. A number tells which request a message is of. */

/** What the page says. */
export type PageSays =
  | { readonly ask: 'request'; readonly id: number; readonly path: string; readonly body?: unknown }
  | { readonly ask: 'load'; readonly id: number; readonly name: string; readonly source: string | ReadonlyMap<string, File> }
  | { readonly ask: 'abort'; readonly id: number };

/** What the worker says: an answer's head, then its bytes, then its end; or how far a model is loaded. */
export type WorkerSays =
  | { readonly tell: 'head'; readonly id: number; readonly status: number; readonly headers: readonly (readonly [string, string])[] }
  | { readonly tell: 'bytes'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly tell: 'progress'; readonly id: number; readonly share: number }
  | { readonly tell: 'end'; readonly id: number; readonly error?: string };
