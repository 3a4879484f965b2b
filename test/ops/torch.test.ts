/** PyTorch's values for a causal attention of 300 queries: several blocks of keys. The file is too large for this repository; the others are test/runtimes/torch.ts's. */
import { readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { parseSafetensors } from '../runtimes/fixtures.js';
import { compare } from '../runtimes/torch.js';
import { itWith, shared } from '../shared.js';
import { engineFor, variants } from './engines.js';

const file = 'fixtures/torch/sdpa_long.safetensors';

describe.each(Object.entries(variants))('%s', (_, options) => {
  itWith(file)('attention over 300 keys is what PyTorch says', async () => {
    const engine = await engineFor(options);
    expect(compare(engine, 'sdpa_long', parseSafetensors(readFileSync(shared(file))), { is_causal: true })).toEqual([]);
  });
});
