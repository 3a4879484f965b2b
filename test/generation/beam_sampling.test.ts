/** Beams that are drawn: transformers' algorithm step by step in float64 with the same random numbers, the shares that probability theory wants, and one seed, one answer. */
import { createEngine } from 'heed';
import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../../dist/random.js';
import { logitsAfter, randomToy, searchToy, type Toy } from './toy.js';

const engine = await createEngine({ threads: 1, deterministic: true });
afterAll(() => engine.dispose());

const FORBIDDEN = Number.NEGATIVE_INFINITY;

function logSoftmax(x: readonly number[]): number[] {
  const most = Math.max(...x);
  const total = most + Math.log(x.reduce((sum, v) => sum + Math.exp(v - most), 0));
  return x.map((v) => v - total);
}

interface Wishes {
  num_beams: number;
  max_length: number;
  eos_token_id: number[];
  temperature: number;
  top_k: number;
  top_p: number;
  length_penalty: number;
  seed: number;
}

/** TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper. */
function warped(scores: readonly number[], { temperature, top_k, top_p, eos_token_id }: Wishes): number[] {
  const least = eos_token_id.length + 1;
  const order = scores.map((_, i) => i).sort((a, b) => (scores[b] as number) - (scores[a] as number));
  const kept = new Set(order.slice(0, Math.max(top_k || scores.length, least)));
  const divided = scores.map((x, i) => (kept.has(i) ? x / temperature : FORBIDDEN));
  const p = logSoftmax(divided).map(Math.exp);
  let before = 0;
  for (const [rank, i] of order.entries()) {
    if (top_p < 1 && rank >= least && before >= top_p) divided[i] = FORBIDDEN;
    before += p[i] as number;
  }
  return divided;
}

interface Sequence {
  ids: number[];
  score: number;
  finished: boolean;
}

/** GenerationMixin._beam_search with do_sample, for one example; torch.multinomial draws one after the other, by the numbers of `random`. */
function beamSample(toy: Toy, example: number, wishes: Wishes): Sequence[] {
  const { num_beams, max_length, eos_token_id, length_penalty, seed } = wishes;
  const random = new Random(seed, 'generate', example);
  const keep = Math.max(2, 1 + eos_token_id.length) * num_beams;
  let running = Array.from({ length: num_beams }, (_, i): Sequence => ({ ids: [0], score: i ? -1e9 : 0, finished: false }));
  let best = running.map((): Sequence => ({ ids: [0], score: -1e9, finished: false }));
  let improvable = true;
  for (;;) {
    const all = running.flatMap(({ ids, score }) =>
      warped(logSoftmax(Array.from(logitsAfter(toy, example, ids))), wishes).map((x, token) => ({
        ids: [...ids, token],
        score: x + score,
      })),
    );
    const weights = logSoftmax(all.map(({ score }) => score)).map(Math.exp);
    const drawn: number[] = [];
    while (drawn.length < keep) {
      const left = weights.map((w, i) => (drawn.includes(i) ? 0 : w));
      let rest = random.uniform() * left.reduce((sum, w) => sum + w, 0);
      drawn.push(
        left.findIndex((w) => {
          rest -= w;
          return rest < 0;
        }),
      );
    }
    const top = drawn.map((i) => all[i] as Sequence).sort((a, b) => b.score - a.score);
    const ends = top.map(({ ids }) => eos_token_id.includes(ids.at(-1) as number) || ids.length >= max_length);
    const byScore = (list: Sequence[]) => [...list].sort((a, b) => b.score - a.score).slice(0, num_beams);
    running = byScore(top.map(({ ids, score }, i) => ({ ids, score: score - (ends[i] ? 1e9 : 0), finished: false })));
    const length = (top[0] as Sequence).ids.length - 1;
    const ended = top.map(({ ids, score }, i): Sequence => {
      const finished = ends[i] === true && i < num_beams;
      return { ids, finished, score: score / length ** length_penalty - (improvable ? 0 : 1e9) - (finished ? 0 : 1e9) };
    });
    best = byScore([...best, ...ended]);
    const worst = Math.min(...best.map(({ score }) => score));
    const possible = (running[0] as Sequence).score / length ** length_penalty;
    improvable &&= best.some(({ finished }) => possible > (finished ? worst : -1e9));
    if (!improvable || ends.every(Boolean)) return best;
  }
}

describe('beams that are drawn', () => {
  const shapes = [
    { num_beams: 2, temperature: 1, top_k: 0, top_p: 1, length_penalty: 1, eos_token_id: [2] },
    { num_beams: 3, temperature: 0.7, top_k: 10, top_p: 1, length_penalty: 0.6, eos_token_id: [2, 5] },
    { num_beams: 4, temperature: 1.5, top_k: 0, top_p: 0.95, length_penalty: 1.4, eos_token_id: [2] },
  ];
  it.each(shapes.flatMap((shape) => [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => ({ ...shape, seed, max_length: 9 }))))(
    'are those of transformers’ algorithm with the same random numbers: %j',
    async (wishes) => {
      const toy = randomToy(wishes.seed + 40, 12, 2, 10, 1.5);
      const found = await searchToy(engine, toy, { ...wishes, do_sample: true, num_return_sequences: wishes.num_beams });
      const expected = [0, 1].flatMap((example) => beamSample(toy, example, wishes));
      expect(found.map(({ ids }) => ids)).toEqual(expected.map(({ ids }) => ids));
      for (const [i, { score }] of expected.entries()) expect(found[i]?.score).toBeCloseTo(score, 4);
    },
  );

  it('come as often as drawing without replacement wants', async () => {
    const V = 5;
    const n = 2000;
    const one = randomToy(3, V, 1, 2, 1);
    const toy: Toy = { V, logits: Array.from({ length: n }, () => one.logits[0] as Float32Array[][]) };
    // Of four drawn first tokens the best two are the beams; the text ends there, and the better one comes out: it is not the best token where that was not drawn.
    const found = await searchToy(engine, toy, { do_sample: true, num_beams: 2, top_k: 0, max_length: 2, seed: 4 });
    const p = logSoftmax(Array.from(logitsAfter(one, 0, [0]))).map(Math.exp);
    /** That all but `out` are drawn: any order of the others. */
    const without = (out: number): number => {
      const grow = (left: number[], rest: number): number =>
        left.length
          ? left.reduce(
              (sum, i) =>
                sum +
                ((p[i] as number) / rest) *
                  grow(
                    left.filter((j) => j !== i),
                    rest - (p[i] as number),
                  ),
              0,
            )
          : 1;
      return grow(
        p.map((_, i) => i).filter((i) => i !== out),
        1,
      );
    };
    const best = p.indexOf(Math.max(...p));
    const share = found.filter(({ ids }) => ids[1] !== best).length / n;
    expect(without(best)).toBeGreaterThan(0.005);
    expect(Math.abs(share - without(best))).toBeLessThan(0.015);
    const sum = p.reduce((total, _, i) => total + without(i), 0);
    expect(sum).toBeCloseTo(1, 6);
  });

  it('are the same by the same seed, whatever stands beside an example, and else others', async () => {
    const toy = randomToy(12, 50, 2, 12);
    const options = { do_sample: true, num_beams: 3, num_return_sequences: 2, max_new_tokens: 10 };
    const idsOf = async (table: Toy, seed?: number) => (await searchToy(engine, table, { ...options, seed })).map(({ ids }) => ids);
    const once = await idsOf(toy, 1);
    expect(await idsOf(toy, 1)).toEqual(once);
    expect(await idsOf({ V: 50, logits: toy.logits.slice(0, 1) }, 1)).toEqual(once.slice(0, 2));
    expect(await idsOf(toy, 2)).not.toEqual(once);
    expect(await idsOf(toy)).not.toEqual(await idsOf(toy));
  });

  it('are filled up with the best others where fewer have a probability than are looked at', async () => {
    const toy = randomToy(5, 6, 1, 6);
    const found = await searchToy(engine, toy, {
      do_sample: true,
      num_beams: 4,
      top_k: 1,
      max_length: 5,
      eos_token_id: 2,
      seed: 1,
      num_return_sequences: 4,
    });
    expect(found).toHaveLength(4);
    expect(found[0]?.score).toBeGreaterThan(-1e3);
  });
});
