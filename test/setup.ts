/** Before any test: dist is built from the sources as they are. Takes no time where it is. Types are for `npm run types` to judge. */
import { build, TypeErrors } from '../scripts/build.mjs';

export default async function setup(): Promise<void> {
  try {
    await build();
  } catch (error) {
    if (!(error instanceof TypeErrors)) throw error;
    console.warn(`${error.message}; testing all the same`);
  }
}
