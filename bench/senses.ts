/**
 * `bench senses --model FOLDER --onnx FOLDER`: a picture's features by DINOv2, or a window of sound by Whisper, against onnxruntime-web on ONNX files that PyTorch exported from
 * the same weights (peers/export_onnx.py). Every side runs in a process of its own (senses-child.ts), in turn, since threads spin; the order reverses from round to round.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Command } from './command.js';
import { spread } from './measure.js';
import { root } from './root.js';
import type { Told } from './senses-child.js';
import { digits, type Row } from './table.js';

const child = join(root, 'bench', '.cache', 'bundle', 'senses-child.mjs');

const peer = 'onnxruntime-web';
const sides = [
  { name: 'heed fp32', args: ['heed', 'fp32'] },
  { name: 'heed q8', args: ['heed', 'q8'] },
  { name: peer, args: [peer, 'fp32'] },
  { name: `${peer} int8`, args: [peer, 'int8'] },
];

export const command: Command = {
  async run({ threads, wide, measuring: { rounds = 5, now }, model, onnx, only }) {
    if (!model || !onnx) throw new Error('bench senses needs --model FOLDER and --onnx FOLDER, what bench/peers/export_onnx.py made of it');
    const chosen = sides.filter(({ name }) => name === peer || !only || only.includes(name));
    const results = new Map<string, Told[]>(chosen.map(({ name }) => [name, []]));
    const run = (args: string[]): Told =>
      JSON.parse(
        execFileSync(process.execPath, [child, ...args, String(threads), wide ? 'wide' : '', model, onnx, now ? 'processor' : ''], {
          encoding: 'utf8',
          maxBuffer: 2 ** 28,
        }),
      );
    for (let round = 0; round < rounds; round++)
      for (const { name, args } of round % 2 ? [...chosen].reverse() : chosen) results.get(name)?.push(run(args));
    const told = (name: string) => results.get(name) as Told[];
    const [right] = told(peer) as [Told, ...Told[]];
    const notes = chosen.map(({ name }) => {
      const { answer } = told(name)[0] as Told;
      if (Number.isInteger(right.answer[0]))
        return `${name} writes ${answer.filter((id, i) => id === right.answer[i]).length} of ${answer.length} tokens as ${peer} does`;
      const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
      const cosine = dot(answer, right.answer) / Math.sqrt(dot(answer, answer) * dot(right.answer, right.answer));
      return `${name}: cosine to ${peer}'s float32 ${cosine.toFixed(6)}`;
    });
    const rows = chosen.map(({ name }): Row => {
      const row: Row = { side: name };
      for (const what of Object.keys(right.ms)) {
        const times = (side: string) => told(side).map(({ ms }) => ms[what] as number);
        row[`${what}, ms`] = digits(spread(times(name)).median);
        const ratio = spread(times(peer).map((ms, round) => ms / (times(name)[round] as number)));
        row[`${what}: times as fast as ${peer}`] = `${digits(ratio.median)} (${digits(ratio.low)} to ${digits(ratio.high)})`;
      }
      return row;
    });
    return {
      title: `${model.split('/').at(-1)}, threads ${threads}${wide ? ', 256 bits' : ''}, processes in turn${now ? ', processor time' : ''}`,
      notes: [
        `${peer} ${right.version}, wasm with SIMD, graph optimisation all; medians of ${rounds} rounds, quartiles in brackets`,
        ...notes,
      ],
      tables: [{ rows }],
    };
  },
};
