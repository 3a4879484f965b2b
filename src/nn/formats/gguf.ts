/** What GGUF files hold, by the names of ggml's kinds: blocks stay as they are in the engine. For whoever reads such files; others do without its code. */
import { Q4_0, Q4_1 } from './q4.js';
import { Q8_0 } from './q8.js';
import { floats, type Sources } from './sources.js';

export const ggufSources: Sources = { ...floats, Q8_0, Q4_0, Q4_1 };
