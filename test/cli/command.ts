/** The command as its users run it: a process, its streams and its exit code. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { tinyPath } from '../models/files.js';

export const heed = fileURLToPath(new URL('../../dist/bin/heed.js', import.meta.url));
export const notice = 'heed: The weights of this model are random: its embeddings mean nothing.\n';

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** `heed` in a shell's command. */
export const heedIn = `"${process.execPath}" "${heed}"`;

/** Runs a command in a shell. */
export const sh = (command: string): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile('bash', ['-c', command], { timeout: 90_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });

/** Runs `heed`; `input` goes to its standard input, which otherwise is empty. `runtime` is the command that runs scripts. */
export function run(args: readonly string[], input: string | Uint8Array = '', runtime = [process.execPath]): Promise<Outcome> {
  const [binary = '', ...flags] = runtime;
  return new Promise((resolve, reject) => {
    const child = spawn(binary, [...flags, heed, ...args], { timeout: 90_000 });
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

/**
 * Writes a module that, imported before the command, has its process send itself a signal once it has printed what fits. On a busy machine another process reads of it late:
 * the command may be elsewhere by then, or over.
 */
export function writeSignaller(file: string, stream: 'stdout' | 'stderr', printed: RegExp, signal: NodeJS.Signals): string {
  writeFileSync(
    file,
    `let seen = '';
    const { write } = process.${stream};
    process.${stream}.write = function (...given) {
      const taken = write.apply(this, given);
      seen += given[0];
      if (${printed}.test(seen)) {
        process.${stream}.write = write;
        process.kill(process.pid, '${signal}');
      }
      return taken;
    };`,
  );
  return file;
}

/** What begins the commands that a terminal obeys. */
export const ESC = '\u001b';

/** Whether there is a pseudo-terminal to be had: `script` of util-linux gives one. */
export const hasTerminal = process.platform === 'linux' && existsSync('/usr/bin/script');

/** What a terminal of so many columns shows of `heed`, which finds its standard streams there; lines end with LF here. */
export async function onTerminal(args: readonly string[], { columns = 80, variables = '' } = {}): Promise<Outcome> {
  const quoted = args.map((arg) => `'${arg}'`).join(' ');
  const command = `stty cols ${columns}; TERM=xterm-256color ${variables} ${heedIn} ${quoted}`;
  const { code, stdout, stderr } = await sh(
    `env -u NO_COLOR -u FORCE_COLOR -u CI script -qec '${command.replaceAll("'", "'\\''")}' /dev/null < /dev/null`,
  );
  return { code, stdout: stdout.replaceAll('\r\n', '\n'), stderr };
}
