/** A language model of 98 MB, and what transformers says of it: neither is in this repository, and tests that need one are skipped without it. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** SmolLM2-135M-Instruct in Q4_1, where the script that fetches it puts it. */
export const smollm2 = join(process.env.HEED_MODELS ?? join(homedir(), '.cache/heed-models'), 'smollm2/SmolLM2-135M-Instruct.Q4_1.gguf');
export const hasSmollm2 = existsSync(smollm2);

/** Token ids, scores and choices for the dequantised weights. */
export const smollm2Expected = fileURLToPath(new URL('../../shared/data/smollm2/expected.json', import.meta.url));
export const hasSmollm2Expected = hasSmollm2 && existsSync(smollm2Expected);
