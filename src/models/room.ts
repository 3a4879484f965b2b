/** Check of the memory that a long text takes, in advance, so that nobody waits for the step that runs out of it. */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { drained } from '../steps.js';

/** Tokens of a batch from which the check pays. With fewer, a forward pass without enough memory fails within a moment. */
const LONG = 1 << 13;

/** What T counts in each input, and what helps where it is too much. */
const counted = (input: string): readonly [places: string, cure: string] => {
  if (input === 'pixel_values') return ['places', 'Give smaller pictures or tiles, or fewer at a time'];
  if (input === 'input_ids') return ['tokens', 'Give fewer tokens, cut to max_length say, or fewer rows at a time'];
  return ['steps', 'Give shorter sounds, or fewer at a time'];
};

/** Runs a forward pass of B rows of T tokens, or of what else `input` holds. A long one is rehearsed first, without a single kernel: throws MEMORY, with figures, where the engine has not enough. */
export function* withRoom<T>(
  engine: Engine,
  shape: readonly [B: number, T: number],
  forward: () => Generator<void, T>,
  input = 'input_ids',
): Generator<void, T> {
  expectRoom(engine, shape, () => void drained(forward()), input);
  return yield* forward();
}

/** Rehearses a forward pass that leaves nothing behind, without running it. */
export function expectRoom(engine: Engine, shape: readonly [B: number, T: number], forward: () => void, input = 'input_ids'): void {
  const [B, T] = shape;
  if (B * T < LONG) return;
  const { maximum } = engine.heap;
  const before = engine.memory().used;
  const peak = peakOf(engine, forward);
  if (peak <= maximum) return;
  const [places, cure] = counted(input);
  const rows = B === 1 ? `A row of ${T} ${places} takes` : `${B} rows of ${T} ${places} take`;
  const needed = Number.isFinite(peak) ? `${gib(peak - before)} GiB beside the ${gib(before)} GiB that are in use` : 'more than 4 GiB';
  const raise = maximum < 2 ** 32 && peak <= 2 ** 32 ? ', or raise createEngine({ memory: { maximum } })' : '';
  throw new HeedError('MEMORY', `${rows} ${needed}; the engine may have ${gib(maximum)} GiB`, {
    culprit: input,
    shape,
    cure: cure + raise,
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
