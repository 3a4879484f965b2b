import { build } from 'esbuild';

// One file, and a classic script: for places that take no module and have no folder to put kernels in.
await build({
  entryPoints: ['main.js'],
  outfile: 'dist/main.js',
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  // import.meta does not exist in a classic script. What heed/inline has of it is for threads, which it does without.
  logOverride: { 'empty-import-meta': 'silent' },
});
