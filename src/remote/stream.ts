/** `stream` of objects in a worker, which the page composes of their remote methods. Apart from the client, so that bundles without text generation leave it out. */
import type { Asking } from '../generation/asking.js';
import type { GenerationConfig } from '../generation/config.js';
import { piecesOf, streamOf, type TextStream } from '../generation/stream.js';
import type { Composer } from './client.js';
import type { Hosted } from './host.js';

type Options = { signal?: AbortSignal } | undefined;
type Ask = (...given: unknown[]) => Promise<unknown>;

/** Of a model by its `generate`, to which the tokenizer crosses where something there reads text; of a pipeline by its pieces. */
export const stream: Composer = (made: Hosted) => {
  const { generate } = made as Partial<Record<'generate', Ask>>;
  const { generation_config: own = {} } = made as { generation_config?: GenerationConfig };
  const reads = (options: Asking) => options.response_format !== undefined || (options.stop_strings ?? own.stop_strings) !== undefined;
  if (generate)
    return (options: unknown): TextStream =>
      streamOf((all) => generate({ ...all, tokenizer: reads(all) ? all.tokenizer : undefined }), options as Asking);
  const call = made as unknown as Ask;
  return (text: unknown, options: unknown): TextStream =>
    piecesOf((reader) => call(text, { ...(options as Options), ...reader }), (options as Options)?.signal);
};
