/** `heed info`: the machine and the runtime; with a model, its architecture and memory, from its settings and the headers of its weights: no weight is read. */
import { Command } from 'commander';
import { estimate } from '../entry/node.js';
import type { Estimate } from '../models/estimate.js';
import type { PretrainedDtype } from '../models/quantization.js';
import { nodeRuntime } from '../runtime/node.js';
import { inWords } from './layer_facts.js';
import { describe, type KindFacts, type ModelFacts } from './model_facts.js';
import { deterministicOption, type EngineFlags, jsonOption, threadsOption, wholeNumber } from './options.js';
import { print } from './output.js';
import { size } from './sizes.js';
import { fitted } from './terminal.js';
import { version } from './version.js';
import { modelFolder, withEngine } from './work.js';

interface InfoFlags extends EngineFlags {
  batch: number;
  tokens?: number;
  json?: boolean;
}

export const infoCommand = new Command('info')
  .description('tell what this machine gives heed, or what a model is and takes')
  .argument('[model]', "folder, GGUF file, URL, or name on Hugging Face's hub of a model")
  .option('--batch <n>', 'rows of the forward whose memory is estimated', wholeNumber, 1)
  .option('--tokens <n>', 'tokens of a row (default: 128, or as many as the model takes)', wholeNumber)
  .addOption(jsonOption('one JSON object'))
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
Examples:
  heed info
  heed info --json --threads 4
  heed info ./all-MiniLM-L6-v2
  heed info ./SmolLM2-135M-Instruct.Q4_1.gguf
  heed info ./all-MiniLM-L6-v2 --batch 32 --tokens 256 --threads 1`,
  )
  .action((model: string | undefined, flags: InfoFlags) => (model === undefined ? machine(flags) : info(model, flags)));

const machine = (flags: InfoFlags) =>
  withEngine(flags, async (engine) => {
    const facts = { heed: version, ...engine.info, cores: engine.runtime.cores() };
    await print(flags.json ? `${JSON.stringify(facts)}\n` : table(facts));
  });

async function info(model: string, { batch, tokens, json, threads, deterministic }: InfoFlags): Promise<void> {
  const facts = await describe(await modelFolder(nodeRuntime, model));
  const options = { batch, tokens, engine: { threads, deterministic } };
  const first = await estimate(model, options);
  const others: Partial<Record<PretrainedDtype, Estimate>> = {};
  for (const dtype of facts.dtype === 'fp32' ? (['q8', 'q4'] as const) : (['fp32'] as const))
    others[dtype] = await estimate(model, { ...options, dtype });
  const memory = { [facts.dtype]: first, ...others };
  if (json) return print(`${JSON.stringify({ model, ...facts, parameters: first.parameters, memory })}\n`);
  const what = `${size(first.memory)} for ${batch} x ${first.tokens} tokens: weights ${size(first.weights)}, activations ${size(first.activations)}`;
  const beside = Object.entries(others)
    .map(([dtype, { memory }]) => `${size(memory)} with dtype ${dtype}`)
    .join(', ');
  const parameters = `${first.parameters.toLocaleString('en')} in ${facts.dtype}`;
  await print(table({ model, ...shown(facts), parameters, files: size(first.download ?? Number.NaN), memory: `${what}; ${beside}` }));
}

/** What a line can say, or several. */
type Shown = string | readonly string[] | undefined;

function shown({ architecture, heads, loader, labels, dims, layers, tokenizer, kinds }: ModelFacts): Record<string, Shown> {
  return {
    ...{ architecture, head: heads.join(', ') || undefined, 'loaded by': loader },
    labels: labels && (labels.length > 8 ? `${labels.slice(0, 8).join(', ')} … (${labels.length})` : labels.join(', ')),
    sizes: Object.entries(dims)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
    layers: layers?.map(inWords),
    tensors: kinds?.map(becoming),
    tokenizer: tokenizer && `${tokenizer.model}, ${tokenizer.vocabulary.toLocaleString('en')} tokens`,
  };
}

/** What becomes of tensors of a kind: they are kept, or take the format that comes nearest. */
function becoming({ kind, tensors, names, held, exact }: KindFacts): string {
  const own = ['F32', 'Q8_0', 'Q4_0', 'Q4_1'].includes(kind);
  const fate = held === undefined ? 'which heed does not read' : own ? 'kept' : `${exact ? 'exactly' : 'rounded'} in ${held}`;
  return `${tensors} ${kind}${held === undefined ? ',' : ''} ${fate}: ${names.join(', ')}`;
}

const table = (facts: Record<string, unknown>): string =>
  fitted(
    Object.entries(facts)
      .filter(([, value]) => value !== undefined)
      .flatMap(([name, value]) => [value].flat().map((line, i) => `${(i ? '' : name).padEnd(14)}${line}\n`))
      .join(''),
  );
