/** `heed info`: what heed finds here, and what a model is. */
import { Command } from 'commander';
import { AutoModel, createEngine } from '../entry/node.js';
import { sizeOf } from '../tensor.js';
import { deterministicOption, type EngineFlags, threadsOption } from './options.js';
import { version } from './version.js';

interface InfoFlags extends EngineFlags {
  model?: string;
  json?: boolean;
}

export const infoCommand = new Command('info')
  .description('tell what this machine gives heed, and what a model is')
  .option('--model <dir>', 'folder or URL of a model')
  .option('--json', 'one JSON object')
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText('after', '\nExamples:\n  heed info\n  heed info --json --threads 4\n  heed info --model ./all-MiniLM-L6-v2')
  .action(info);

async function info({ model, json, threads, deterministic }: InfoFlags): Promise<void> {
  const engine = await createEngine({ threads, deterministic });
  try {
    const facts: Record<string, unknown> = { heed: version, ...engine.info, cores: engine.runtime.cores() };
    if (model) {
      const { config, encoder } = await AutoModel.from_pretrained(model, { engine });
      const all = [...encoder.distinctParameters().values()];
      const parameters = all.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
      const { C, L, H, F, V, positions } = encoder.dims;
      const dims = { layers: L, hidden: C, heads: H, feedForward: F, vocabulary: V, positions };
      const dtype = all.some((parameter) => parameter.dtype === 'q8') ? 'q8' : 'fp32';
      Object.assign(facts, { model: config.model_type, parameters, dtype, ...dims, memory: engine.memory().used });
    }
    if (json) process.stdout.write(`${JSON.stringify(facts)}\n`);
    else for (const [name, value] of Object.entries(facts)) if (value !== undefined) process.stdout.write(`${name.padEnd(14)}${value}\n`);
  } finally {
    await engine.dispose();
  }
}
