import { join } from 'node:path';

// Nothing that heed would need: webpack finds the kernels and the threads' worker by itself.
export default {
  // All of heed is above the size at which webpack gives advice.
  performance: { hints: false },
  mode: 'production',
  context: import.meta.dirname,
  entry: './main.js',
  output: { path: join(import.meta.dirname, 'dist'), filename: 'main.js' },
};
