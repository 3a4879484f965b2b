/** All decoders, in one list: what heed/core exports, and what the other entries register. */
export { bloom } from './bloom.js';
export { gptNeox } from './gpt_neox.js';
export { gpt2 } from './gpt2.js';
export { llama } from './llama.js';
export { opt } from './opt.js';
