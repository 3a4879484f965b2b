/** Options of one call that are heed's own: `providerOptions.heed` of the AI SDK. */
import type { SharedV4ProviderOptions } from '@ai-sdk/provider';
import { checkOptions } from '../errors.js';

/** The options of `providerOptions.heed`. Throws UNSUPPORTED for one that is not known. */
export function ownOptions<T extends object>(given: SharedV4ProviderOptions | undefined, names: readonly (keyof T & string)[]): T {
  const own = given?.heed ?? {};
  checkOptions(own, names, 'providerOptions.heed');
  return own as T;
}
