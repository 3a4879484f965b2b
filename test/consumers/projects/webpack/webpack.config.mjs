import { join } from 'node:path';

// Nothing that heed would need: webpack finds the kernels and the threads' worker by itself.
export default {
  mode: 'production',
  context: import.meta.dirname,
  entry: './main.js',
  output: { path: join(import.meta.dirname, 'dist'), filename: 'main.js' },
};
