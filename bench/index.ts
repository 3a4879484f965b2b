/**
 * The bench's command line: `npm run bench -- COMMAND [options]`. A command lives in a file of its own and returns a report; what is
 * common to all, options, tables, files, charts, is here and in report.ts. Started by main.mjs.
 */
import { parseArgs } from 'node:util';
import type { Command } from './command.js';
import { processorTime } from './measure.js';
import { checkOutputs, publish } from './report.js';

interface Entry {
  summary: string;
  load(): Promise<{ command: Command }>;
}

const commands: Record<string, Entry> = {
  kernels: { summary: 'GFLOP/s of the kernels, as a share of the peak of this machine and runtime', load: () => import('./kernels.js') },
  quantized: { summary: 'products with 8-bit weights, in the same rounds as float32', load: () => import('./quantized.js') },
  step: { summary: 'what the host does for a decoded token beside kernels', load: () => import('./step.js') },
  decode: { summary: 'a language model out of a GGUF file against wllama and llama.cpp', load: () => import('./decode.js') },
  layer: { summary: 'one encoder layer, by length and by threads: curves', load: () => import('./layer.js') },
  encoder: { summary: "six encoder layers, MiniLM's size", load: () => import('./encoder.js') },
  minilm: {
    summary: 'a whole sentence encoder against onnxruntime-web, q8 against float32, short sentences',
    load: () => import('./minilm.js'),
  },
  senses: {
    summary: 'a picture by DINOv2 or sound by Whisper against onnxruntime-web, processes in turn',
    load: () => import('./senses.js'),
  },
  served: {
    summary: 'vectors of texts by HTTP against onnxruntime and llama.cpp behind hono, servers in turn',
    load: () => import('./served.js'),
  },
  contention: { summary: 'one thread and several beside a process that wants a core', load: () => import('./contention.js') },
  startup: { summary: 'from the start of a process to its first result', load: () => import('./startup.js') },
  runtimes: { summary: 'the same forward in every runtime, each round in a process of its own', load: () => import('./runtimes.js') },
  train: { summary: 'a training step against PyTorch, and gradients against jax-js', load: () => import('./train.js') },
  curves: { summary: 'learning curves beside each other; measures nothing', load: () => import('./curves.js') },
  peers: { summary: 'against onnxruntime-web and TensorFlow.js, in one process', load: () => import('./peers.js') },
};

const usage = [
  'npm run bench -- COMMAND [--threads N] [--tokens N,N,…] [--rounds N] [--only NAME,NAME,…] [--model FOLDER] [--onnx FOLDER] [--processor-time] [--wide]',
  '    [--json FILE] [--svg FILE] [--markdown PAGE#PART] [--curves NAME=FILE,NAME=FILE,…] [--title TEXT]',
  '',
  ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(11)}${summary}`),
].join('\n');

function wholeNumber(name: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${name} must be a whole number above 0, not ${text}`);
  return Number(text);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      threads: { type: 'string', default: '1' },
      tokens: { type: 'string' },
      rounds: { type: 'string' },
      only: { type: 'string' },
      model: { type: 'string' },
      onnx: { type: 'string' },
      curves: { type: 'string' },
      title: { type: 'string' },
      json: { type: 'string' },
      svg: { type: 'string' },
      markdown: { type: 'string' },
      'processor-time': { type: 'boolean', default: false },
      wide: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return console.log(usage);
  const entry = commands[positionals[0] ?? ''];
  if (!entry || positionals.length > 1) throw new Error(`${usage}\n\nThis needs one command of the list.`);
  checkOutputs(values);
  const { command } = await entry.load();
  const report = await command.run({
    threads: wholeNumber('threads', values.threads),
    wide: values.wide,
    measuring: {
      ...(values.rounds && { rounds: wholeNumber('rounds', values.rounds) }),
      ...(values['processor-time'] && { now: processorTime }),
    },
    tokens: values.tokens?.split(',').map((n) => wholeNumber('tokens', n)),
    only: values.only?.split(','),
    model: values.model,
    onnx: values.onnx,
    curves: values.curves?.split(','),
    title: values.title,
  });
  await publish(report, values);
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
