/**
 * Rounds of processes: in each round every runtime has its turns, and the order reverses from round to round, so that a slow spell of the machine
 * meets different runtimes. Answers are compared as they come in: the same bits in deterministic mode, close ones in the fast mode.
 */
import { join } from 'node:path';
import type { Outcome, Runner } from '../../test/runtimes/runner.js';
import type { Mode } from '../peak.js';
import { peakBinary } from '../peak-binary.js';
import { root } from '../root.js';
import type { LeftOut, Speed, SpeedArgs, Start, StartArgs } from './types.js';

const modes: readonly Mode[] = ['plain', 'relaxed'];
/** What an answer of the fast mode may differ by from a deterministic one: layer norm puts every value within a few units of 0. */
const tolerance = 1e-3;

/** A runtime's results, an element a round. */
export interface Results {
  readonly name: string;
  version: string;
  /** The fast mode is missing where there is no relaxed SIMD. */
  readonly speed: Record<Mode, Speed[]>;
  readonly start: Start[];
  /** From the start of the process to the first embedding, or of the page. */
  readonly embeddedMs: number[];
  /** Of the processes that start. */
  readonly peakMiB: number[];
  /** Why something could not be measured -> what. */
  readonly leftOut: Record<string, string[]>;
}

export interface Settings {
  rounds: number;
  threads: number;
  tokens: number[];
}

interface Turn {
  what: string;
  results: Results;
  /** Runs a process, and says why it cannot where it cannot. */
  run(): Promise<string | undefined>;
}

/** Fails where answers disagree. */
class Answers {
  #plain: { name: string; digest: string; sample: number[] } | undefined;

  check(name: string, mode: Mode, { digest, sample }: Speed): void {
    if (!this.#plain) {
      // Every runtime's first turn is in deterministic mode.
      if (mode === 'plain') this.#plain = { name, digest, sample };
      return;
    }
    const expected = this.#plain;
    const largest = Math.max(...sample.map((value, i) => Math.abs(value - (expected.sample[i] ?? Number.NaN))));
    if (mode === 'plain' && digest !== expected.digest)
      throw new WrongAnswer(`${name} gives other bits than ${expected.name}: ${digest}, not ${expected.digest}`);
    if (!(largest <= tolerance)) throw new WrongAnswer(`${name}, ${mode}: values differ by ${largest} from ${expected.name}'s`);
  }
}

class WrongAnswer extends Error {}

function turnsOf(runner: Runner, { threads, tokens }: Settings, answers: Answers): { results: Results; turns: Turn[] } {
  const { name } = runner;
  const results: Results = {
    ...{ name, version: '', speed: { plain: [], relaxed: [] }, start: [], embeddedMs: [], peakMiB: [], leftOut: {} },
  };
  const run = async <T extends { version: string }>(program: string, args: unknown): Promise<Outcome<T | LeftOut>> => {
    const outcome = await runner.run<T | LeftOut>(join(root, 'bench/runtimes', program), args);
    if (!results.version && 'version' in outcome.value) results.version = runner.version?.() ?? outcome.value.version;
    return outcome;
  };
  const start: Turn = {
    ...{ what: 'start', results },
    async run() {
      const args: StartArgs = { threads };
      const { value, startedAt, peakMiB } = await run<Start>('start.ts', args);
      if ('leftOut' in value) return value.leftOut;
      results.start.push(value);
      const { embeddedAt, embeddedMs } = value;
      const ms = startedAt === undefined || embeddedAt === undefined ? embeddedMs : embeddedAt - startedAt;
      if (ms !== undefined) results.embeddedMs.push(ms);
      if (peakMiB !== undefined) results.peakMiB.push(peakMiB);
      return undefined;
    },
  };
  const speed = (mode: Mode): Turn => ({
    ...{ what: mode, results },
    async run() {
      const args: SpeedArgs = { mode, threads, tokens, peak: Buffer.from(peakBinary(mode)).toString('base64') };
      const { value } = await run<Speed>('speed.ts', args);
      if ('leftOut' in value) return value.leftOut;
      answers.check(name, mode, value);
      results.speed[mode].push(value);
      return undefined;
    },
  });
  return { results, turns: [...modes.map(speed), start] };
}

function leaveOut({ results: { leftOut }, what }: Turn, why: string): void {
  leftOut[why] = [...(leftOut[why] ?? []), what];
}

/** Whether there was a failure. A turn that fails twice in a row is left out from then on, as is one that its runtime has not. */
async function take(turn: Turn): Promise<{ again: boolean; failed: boolean }> {
  for (let tries = 0; ; tries++)
    try {
      const why = await turn.run();
      if (why) leaveOut(turn, why);
      return { again: !why, failed: false };
    } catch (error) {
      if (error instanceof WrongAnswer) throw error;
      const [line = ''] = String(error instanceof Error ? error.message : error).split('\n');
      console.error(`  failed: ${error instanceof Error ? error.message : error}`);
      if (tries === 0) continue;
      leaveOut(turn, `failed: ${line}`);
      return { again: false, failed: true };
    }
}

export async function measureRounds(runners: readonly Runner[], settings: Settings): Promise<{ all: Results[]; failed: boolean }> {
  const { rounds } = settings;
  const answers = new Answers();
  const made = runners.map((runner) => turnsOf(runner, settings, answers));
  let turns = made.flatMap((runtime) => runtime.turns);
  let failed = false;
  for (let round = 0; round < rounds; round++) {
    const remaining = new Set(turns);
    for (const turn of round % 2 ? [...turns].reverse() : turns) {
      const began = performance.now();
      const taken = await take(turn);
      failed ||= taken.failed;
      if (!taken.again) remaining.delete(turn);
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      console.error(`round ${round + 1} of ${rounds}: ${turn.results.name}, ${turn.what}: ${taken.again ? `${seconds} s` : 'left out'}`);
    }
    turns = turns.filter((turn) => remaining.has(turn));
  }
  return { all: made.map(({ results }) => results), failed };
}
