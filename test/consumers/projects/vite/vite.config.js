import { defineConfig } from 'vite';

// Without these two there is one thread: browsers share memory only in pages that are isolated across origins. The production server must send them too.
const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export default defineConfig({
  server: { headers },
  preview: { headers },
  // Up to version 7, the development server moves a dependency's modules to node_modules/.vite and leaves the files behind that they find beside them: here,
  // the kernels and the threads' worker.
  optimizeDeps: { exclude: ['heed'] },
});
