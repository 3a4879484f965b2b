/** All decoders, in one list: what heed/core exports, and what the other entries register. */
export { gpt2 } from './gpt2.js';
export { llama } from './llama.js';
