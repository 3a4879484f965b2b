/** `stream` of what lives in a worker: the page makes it of what it may call there. Apart from the client, so that bundles which write no texts do without. */
import type { Asking } from '../generation/asking.js';
import { piecesOf, streamOf, type TextStream } from '../generation/stream.js';
import type { Composer } from './client.js';
import type { Hosted } from './host.js';

type Options = { signal?: AbortSignal } | undefined;
type Ask = (...given: unknown[]) => Promise<unknown>;

/** Of a model by its `generate`, to which the tokenizer does not cross; of a pipeline by its pieces. */
export const stream: Composer = (made: Hosted) => {
  const { generate } = made as Partial<Record<'generate', Ask>>;
  if (generate) return (options: unknown): TextStream => streamOf((own) => generate({ ...own, tokenizer: undefined }), options as Asking);
  const call = made as unknown as Ask;
  return (text: unknown, options: unknown): TextStream =>
    piecesOf((reader) => call(text, { ...(options as Options), ...reader }), (options as Options)?.signal);
};
