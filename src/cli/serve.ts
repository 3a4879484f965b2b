/** `heed serve`: models behind HTTP, by OpenAI's wire format. The log, a line of JSON for each request, goes to standard output, everything else to standard error. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { HeedError } from '../errors.js';
import { isLoopback } from '../server/hosts.js';
import { namedModel } from './named_model.js';
import { deterministicOption, type EngineFlags, numberIn, several, threadsOption, wholeNumber } from './options.js';
import { print, tell } from './output.js';

interface ServeFlags extends EngineFlags {
  model: string[];
  port: number;
  host: string;
  apiKey?: string;
  maxMemory?: number;
  cors?: string[];
  allowedHost?: string[];
  maxBatch?: number;
  maxQueue?: number;
  timeout: number;
  bodyLimit?: number;
  logTexts?: boolean;
  page: boolean;
  runs?: string;
}

const fromZero = (text: string) => numberIn(text, (value) => (Number.isSafeInteger(value) ? undefined : 'It must be a whole number.'));
const seconds = (text: string) => numberIn(text, (value) => (value > 0 ? undefined : 'It must be a number above 0.'));
const portOf = (text: string) =>
  numberIn(text, (value) => (Number.isInteger(value) && value <= 65535 ? undefined : 'It must be a whole number up to 65535.'));

const units: Readonly<Record<string, number>> = { '': 1, kb: 1e3, mb: 1e6, gb: 1e9, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 };

/** Bytes that are written with a unit, or without. */
function bytesIn(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text) ?? [];
  const factor = units[unit.toLowerCase()];
  if (!number || factor === undefined) throw new InvalidArgumentError('It must be a number of bytes, as 2GiB or 800MB.');
  return Math.floor(Number(number) * factor);
}

export const serveCommand = new Command('serve')
  .description("answer requests over HTTP, by OpenAI's wire format")
  .addOption(
    new Option('--model <model>', 'a model: its folder, GGUF file, URL, or name on the hub; or NAME=MODEL. May be given several times')
      .argParser(several)
      .makeOptionMandatory(),
  )
  .option('--port <p>', 'port; 0 for any that is free', portOf, 8080)
  .option('--host <h>', 'address to listen at; 0.0.0.0 for all of the machine', '127.0.0.1')
  .addOption(new Option('--api-key <key>', 'key that requests must bring').env('HEED_API_KEY'))
  .option('--max-memory <bytes>', 'what models and texts may take together, as 2GiB; the least recently used model is given up', bytesIn)
  .option('--cors <origin>', 'origin whose pages may call, or *; may be given several times', several)
  .option(
    '--allowed-host <name>',
    'name by which a server of this machine alone may be asked for, or *; may be given several times',
    several,
  )
  .option('--max-batch <n>', 'texts that a model works on at once (default: 32)', wholeNumber)
  .option('--max-queue <n>', 'requests that may wait for a model; others are refused (default: 128)', fromZero)
  .option('--timeout <s>', 'seconds that a request may take', seconds, 300)
  .option('--body-limit <bytes>', 'largest body of a request (default: 32MiB)', bytesIn)
  .option('--runs <folder>', 'folder with runs of training, whose curves the page draws')
  .option('--no-page', 'leave out the page at /')
  .option('--log-texts', 'have the bodies of requests in the log')
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
Examples:
  heed serve --model ./SmolLM2-135M-Instruct.Q4_1.gguf
  heed serve --model chat=./SmolLM2-135M-Instruct --model embed=./all-MiniLM-L6-v2 --port 8000
  HEED_API_KEY=secret heed serve --host 0.0.0.0 --model ./SmolLM2-135M-Instruct.Q4_1.gguf`,
  )
  .action(serve);

async function serve(flags: ServeFlags): Promise<void> {
  const {
    port,
    host,
    apiKey,
    maxMemory,
    cors,
    allowedHost: allowedHosts,
    maxBatch,
    maxQueue,
    timeout,
    bodyLimit,
    logTexts,
    page,
    runs,
    threads,
    deterministic,
  } = flags;
  const named = flags.model.map(namedModel);
  const double = named.find(([name], i) => named.findIndex(([other]) => other === name) !== i);
  if (double)
    throw new HeedError('ARGUMENT', `Two models are called ${double[0]}`, { culprit: '--model', cure: 'Name one: --model NAME=MODEL' });
  if (!apiKey && !isLoopback(host)) tell(`${host} can be reached from elsewhere, and no key is asked for: see --api-key`);
  // No other command waits for the server's modules.
  const { createServer, listen } = await import('../entry/server.js');
  const server = await createServer({
    models: Object.fromEntries(named),
    engine: { threads, deterministic, wide: true, ...(maxMemory !== undefined && { memory: { maximum: maxMemory } }) },
    ...{ apiKey, cors, maxBatch, maxQueue, timeout, bodyLimit, logTexts, page, runs },
    log: (line) => void print(`${JSON.stringify(line)}\n`),
  });
  const { url, close } = await listen(server, { port, host, timeout, allowedHosts });
  tell(`${named.map(([name]) => name).join(', ')} at ${url}/v1${page ? `, a page at ${url}` : ''}`);
  let isEnding = false;
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.removeAllListeners(signal);
      process.on(signal, () => {
        if (isEnding) process.exit(signal === 'SIGINT' ? 130 : 143);
        isEnding = true;
        tell('ending what runs; once more to end at once');
        resolve();
      });
    }
  });
  await close();
}
