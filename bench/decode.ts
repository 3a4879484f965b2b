/**
 * `bench decode`: a language model out of a GGUF file, in Chromium beside wllama, and in Node beside llama.cpp's native build: how fast a prompt is read, and how fast
 * tokens are written behind it. Each round opens a page or a process of each side, one after the other, since threads spin; the order reverses from round to round.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { folders, type Runner } from '../test/runtimes/runner.js';
import { runners } from '../test/runtimes/runners.js';
import type { Command } from './command.js';
import type { DecodeArgs, Decoded } from './decode/types.js';
import { spread } from './measure.js';
import { root } from './root.js';
import { digits, type Row } from './table.js';

interface Side {
  name: string;
  runner: Runner;
  program: string;
  /** Whose ratio to heed in the same runtime is told. */
  peer: boolean;
  more?: object;
}

/** node-llama-cpp, wherever it was installed. */
const native = [process.env.HEED_BENCH_LLAMA_CPP, join(root, 'bench/node_modules/node-llama-cpp')].find(
  (folder) => folder && existsSync(join(folder, 'package.json')),
);
const versionOf = (folder: string): string => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version;

function sidesOf(only: readonly string[] | undefined): Side[] {
  const runner = (part: string) => runners.find(({ name }) => name.startsWith(part)) as Runner;
  const [page, node] = [runner('Chromium, isolated'), runner('Node 24')];
  const peers = join(root, 'bench/node_modules');
  const sides: Side[] = [
    { name: 'heed, Chromium', runner: page, program: 'heed.ts', peer: false },
    { name: 'wllama 2.3.1, Chromium', runner: page, program: 'wllama2.ts', peer: true },
    { name: `wllama ${versionOf(join(peers, 'wllama-3'))}, Chromium`, runner: page, program: 'wllama3.ts', peer: true },
    { name: 'heed, Node 24', runner: node, program: 'heed.ts', peer: false },
  ];
  if (native) {
    const more = { native: pathToFileURL(join(native, 'dist/index.js')).href };
    sides.push({ name: `llama.cpp (node-llama-cpp ${versionOf(native)}), Node 24`, runner: node, program: 'native.ts', peer: true, more });
  }
  return sides.filter(({ name, runner: { missing } }) => !missing() && (!only || only.some((part) => name.includes(part))));
}

const defaultModel = join(homedir(), '.cache/heed-models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf');

export const command: Command = {
  async run({ threads, measuring: { rounds = 5 }, tokens: prompts = [1, 128, 1024], only, model: file = defaultModel }) {
    const { models } = folders;
    const path = models && relative(models, file);
    if (!path || path.startsWith('..') || !existsSync(file))
      throw new Error(`${file} is not a file of ${models ?? 'the folder that HEED_MODELS names'}`);
    const sides = sidesOf(only);
    const args: DecodeArgs = { model: `models/${path}`, threads, prompts, tokens: 64 };
    const results = new Map<Side, Decoded[]>(sides.map((side) => [side, []]));
    for (let round = 0; round < rounds; round++)
      for (const side of round % 2 ? [...sides].reverse() : sides) {
        const program = join(root, 'bench/decode', side.program);
        const { value } = await side.runner.run<Decoded>(program, { ...args, ...side.more });
        if (value.threads !== threads) throw new Error(`${side.name} has ${value.threads} threads, not ${threads}`);
        results.get(side)?.push(value);
      }
    const rateOf = (side: Side, what: 'prompt' | 'decode', T: number) =>
      (results.get(side) ?? []).map(({ rates }) => rates[T]?.[what] ?? Number.NaN);
    const rows = sides.map((side): Row => {
      const ours = sides.find(({ peer, runner }) => !peer && runner === side.runner);
      const cells = (what: 'prompt' | 'decode', T: number): Row => {
        const own = rateOf(side, what, T);
        const label = what === 'prompt' ? `prompt of ${T}` : `behind ${T}`;
        if (!side.peer || !ours) return { [label]: digits(spread(own).median) };
        // Of each round by itself, since the machine is not the same in all of them.
        const times = spread(rateOf(ours, what, T).map((rate, round) => rate / (own[round] as number)));
        return { [label]: `${digits(spread(own).median)} (heed ${digits(times.median)}x, ${digits(times.low)} to ${digits(times.high)})` };
      };
      const read = prompts.filter((T) => T > 1).map((T) => cells('prompt', T));
      return Object.assign({ side: side.name }, ...read, ...prompts.map((T) => cells('decode', T)));
    });
    return {
      title: `Tokens a second of ${path.split('/').at(-1)}, threads ${threads}`,
      tables: [{ rows }],
      notes: [
        `medians of ${rounds} rounds, a page or a process of each side in each, in turn; ${args.tokens} tokens written behind each prompt, greedily`,
        'prompt of N: N tokens until the first is written; behind N: those after it. In brackets how many times as fast heed is in the same runtime, in the same round: median and quartiles',
        ...(native
          ? []
          : [
              'left out: llama.cpp; npm install --no-save node-llama-cpp somewhere, and HEED_BENCH_LLAMA_CPP=…/node_modules/node-llama-cpp',
            ]),
      ],
      raw: Object.fromEntries([...results].map(([{ name }, decoded]) => [name, decoded])),
    };
  },
};
