/** All decoders: what heed/core exports, and the other entries register. */
export { bloom } from './bloom.js';
export { gemma2 } from './gemma2.js';
export { gemma3 } from './gemma3.js';
export { gptNeox } from './gpt_neox.js';
export { gpt2 } from './gpt2.js';
export { granite } from './granite.js';
export { llama } from './llama.js';
export { ministral } from './ministral.js';
export { mistral } from './mistral.js';
export { olmo2 } from './olmo2.js';
export { olmoe } from './olmoe.js';
export { opt } from './opt.js';
export { phi3 } from './phi3.js';
export { qwen2 } from './qwen2.js';
export { qwen3 } from './qwen3.js';
export { qwen3Moe } from './qwen3_moe.js';
export { smollm3 } from './smollm3.js';
