/** The command as its users run it: a process, its streams and its exit code. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { tinyPath } from '../models/files.js';

export const heed = fileURLToPath(new URL('../../dist/bin/heed.js', import.meta.url));
export const notice = 'heed: The weights of this model are random: its embeddings mean nothing.\n';

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs `heed`; `input` goes to its standard input, which otherwise is empty. `runtime` is the command that runs scripts. */
export function run(args: readonly string[], input: string | Uint8Array = '', runtime = [process.execPath]): Promise<Outcome> {
  const [binary = '', ...flags] = runtime;
  return new Promise((resolve, reject) => {
    const child = spawn(binary, [...flags, heed, ...args], { timeout: 25_000 });
    const out = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text) => {
        out[name] += text;
      });
    child.on('error', reject).on('close', (code) => resolve({ code, ...out }));
    child.stdin.on('error', () => {}); // who fails early does not read
    child.stdin.end(input);
  });
}

/** `heed embed --json` with the tiny BERT: its vectors. */
export async function vectors(args: readonly string[], input?: string | Uint8Array): Promise<number[][]> {
  const { code, stdout, stderr } = await run(['embed', '--json', '--deterministic', '--model', tinyPath, ...args], input);
  if (code !== 0) throw new Error(stderr);
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}
