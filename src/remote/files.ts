/** Pictures and sounds as they cross to a worker. */
import { type CanvasLike, drawn } from '../image/source.js';

/** An AudioBuffer, which does not cross as it is. */
interface Buffered {
  readonly sampleRate: number;
  readonly numberOfChannels: number;
  getChannelData(channel: number): Float32Array;
}

const has = <T>(value: unknown, method: keyof T & string): value is T =>
  typeof (value as Record<string, unknown> | null)?.[method] === 'function';

/**
 * What crosses in place of a picture or a sound, or of each of a list. Addresses are as the page means them: a worker's own are relative to its file, and a URL does not cross as
 * an object. Canvases and AudioBuffers cross as their pixels and samples. Throws ARGUMENT for a canvas that is drawn on otherwise than in two dimensions.
 */
export function crossingFiles(given: unknown): unknown {
  if (Array.isArray(given)) return given.map(crossingFiles);
  if (given instanceof URL) return given.href;
  const base = globalThis.document?.baseURI;
  // What is no address is the worker's to refuse.
  if (typeof given === 'string') return base && URL.canParse(given, base) ? new URL(given, base).href : given;
  if (has<CanvasLike>(given, 'getContext')) return drawn(given);
  if (!has<Buffered>(given, 'getChannelData')) return given;
  const { sampleRate, numberOfChannels } = given;
  return { sampleRate, channelData: Array.from({ length: numberOfChannels }, (_, channel) => given.getChannelData(channel)) };
}
