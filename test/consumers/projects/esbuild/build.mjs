import { cp } from 'node:fs/promises';
import { build } from 'esbuild';

await build({
  entryPoints: ['main.js'],
  outfile: 'dist/app/main.js',
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
});

// esbuild leaves `new URL('../wasm/simd.wasm', import.meta.url)` as it is: the kernels and the threads' worker have to lie beside the folder of the bundle.
for (const folder of ['wasm', 'runtime']) await cp(`node_modules/heed/dist/${folder}`, `dist/${folder}`, { recursive: true });
