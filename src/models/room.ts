/** What a long text takes, looked at beforehand: where there is no room for it, nobody should wait for the step that finds out. */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { drained } from '../steps.js';

/** Tokens of a batch from which a look pays. With fewer, a forward that has no room fails within a moment. */
const LONG = 1 << 13;

/** A forward of B rows of T tokens. A long one is rehearsed first, without a single kernel: throws MEMORY, with figures, where the engine has no room for it. */
export function* withRoom<T>(
  engine: Engine,
  shape: readonly [B: number, T: number],
  forward: () => Generator<void, T>,
): Generator<void, T> {
  expectRoom(engine, shape, () => void drained(forward()));
  return yield* forward();
}

/** The rehearsal alone, of what leaves nothing behind. */
export function expectRoom(engine: Engine, shape: readonly [B: number, T: number], forward: () => void): void {
  const [B, T] = shape;
  if (B * T < LONG) return;
  const { maximum } = engine.heap;
  const before = engine.memory().used;
  const peak = peakOf(engine, forward);
  if (peak <= maximum) return;
  const rows = B === 1 ? `A row of ${T} tokens takes` : `${B} rows of ${T} tokens take`;
  const needed = Number.isFinite(peak) ? `${gib(peak - before)} GiB beside the ${gib(before)} GiB that are in use` : 'more than 4 GiB';
  const raise = maximum < 2 ** 32 && peak <= 2 ** 32 ? ', or raise createEngine({ memory: { maximum } })' : '';
  throw new HeedError('MEMORY', `${rows} ${needed}; the engine may have ${gib(maximum)} GiB`, {
    culprit: 'input_ids',
    shape,
    cure: `Give fewer tokens, cut to max_length say, or fewer rows at a time${raise}`,
  });
}

/** Infinity: more than WebAssembly has addresses for. 0 where the runtime does not let us look. */
function peakOf(engine: Engine, forward: () => void): number {
  let begun = false;
  try {
    return engine.rehearse(() => {
      begun = true;
      forward();
    }).peak;
  } catch (error) {
    if (!(error instanceof HeedError && error.code === 'MEMORY')) throw error;
    return begun ? Number.POSITIVE_INFINITY : 0;
  }
}

const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(bytes < 2 ** 30 ? 3 : 1);

/** Numbers that a user gets, all 0. Throws MEMORY where JavaScript has no room for them. */
export function hostFloats(shape: readonly number[]): Float32Array {
  const count = shape.reduce((n, d) => n * d, 1);
  try {
    return new Float32Array(count);
  } catch (cause) {
    throw new HeedError('MEMORY', `A result [${shape}] takes ${gib(4 * count)} GiB, which JavaScript does not give`, {
      culprit: 'texts',
      shape,
      cure: 'Give fewer texts, or shorter ones, or ask for one vector each with pooling',
      cause,
    });
  }
}
