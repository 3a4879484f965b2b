/** `classify` and `fit` of a model of pictures in a worker: what they are given crosses as what a pipeline is given. */
import type { Composer } from './client.js';
import { crossingFiles } from './files.js';

type Method = (first: unknown, options?: object) => unknown;

/** An example that a model learns from, or whatever stands in its place. */
const placed = (example: unknown): unknown => {
  const { image } = Object(example) as { image?: unknown };
  return image === undefined ? example : { ...(example as object), image: crossingFiles(image) };
};
const allOf = (examples: unknown): unknown => (Array.isArray(examples) ? examples.map(placed) : examples);

/** The method for models whose calls take files; others are called as they are. */
const ofFiles =
  (name: 'classify' | 'fit', make: (method: Method) => Method): Composer =>
  (made) => {
    const { reads, [name]: method } = made as unknown as { reads?: string } & Record<'classify' | 'fit', Method>;
    return (reads === 'files' ? make(method) : method) as ReturnType<Composer>;
  };

export const classifyOf = ofFiles(
  'classify',
  (classify) =>
    async (images, ...options) =>
      classify(crossingFiles(images), ...options),
);
export const fitOf = ofFiles('fit', (learn) => async (examples, options = {}) => {
  const { validation } = Object(options) as { validation?: unknown };
  return learn(allOf(examples), validation === undefined ? options : { ...options, validation: allOf(validation) });
});
