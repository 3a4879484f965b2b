/** What structured answers weigh in a program that wants them; others have nothing of them, which import no file of theirs. */
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { root } from '../../docs/pages.js';

it.each([
  ['constrain', 18_500],
  ['parseToolCalls', 3600],
])('%s takes at most %i bytes, gzipped', async (name, most) => {
  const contents = `export { ${name} } from './dist/generation/grammar/index.js';`;
  const { outputFiles } = await build({
    ...{ stdin: { contents, resolveDir: root }, bundle: true, minify: true, write: false },
    ...{ format: 'esm', platform: 'neutral', target: 'es2022' },
  });
  expect(gzipSync(outputFiles[0]?.contents ?? new Uint8Array(), { level: 9 }).length).toBeLessThanOrEqual(most);
});
