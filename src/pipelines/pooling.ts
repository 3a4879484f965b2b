/**
 * From token states to one vector per text, by the methods of sentence-transformers' Pooling. Computed on the host, in float64 with one order of summation, so that
 * bits depend on the states alone.
 */

/** States [T, C] of a text's tokens; the first `skip` belong to a prompt and do not count. */
interface States {
  data: Float32Array;
  C: number;
  skip: number;
}

type Rule = (states: States) => Float64Array;

/** The state of one token, zeros where there is none. */
const tokenAt = ({ data, C }: States, t: number): Float64Array =>
  t >= 0 && t * C < data.length ? Float64Array.from(data.subarray(t * C, (t + 1) * C)) : new Float64Array(C);

const first: Rule = (states) => tokenAt(states, states.skip * states.C < states.data.length ? states.skip : 0);
const last: Rule = (states) => {
  const T = states.data.length / states.C;
  return tokenAt(states, states.skip < T ? T - 1 : T);
};

/** Σ weight(t) x[t], divided by what the weights make together. */
const weighted =
  (weight: (t: number) => number, divisor: (sum: number) => number): Rule =>
  ({ data, C, skip }) => {
    const sum = new Float64Array(C);
    let weights = 0;
    for (let i = skip * C, t = skip; i < data.length; i += C, t++) {
      const w = weight(t);
      weights += w;
      for (let c = 0; c < C; c++) sum[c] = (sum[c] as number) + w * (data[i + c] as number);
    }
    const all = weights && divisor(weights);
    return all ? sum.map((x) => x / all) : sum;
  };

const most: Rule = ({ data, C, skip }) => {
  const best = data.length > skip * C ? new Float64Array(C).fill(Number.NEGATIVE_INFINITY) : new Float64Array(C);
  for (let i = skip * C; i < data.length; i++) best[i % C] = Math.max(best[i % C] as number, data[i] as number);
  return best;
};

const itself = (sum: number) => sum;
const rules = {
  mean: weighted(() => 1, itself),
  cls: first,
  first_token: first,
  eos: last,
  last_token: last,
  lasttoken: last,
  max: most,
  mean_sqrt_len_tokens: weighted(() => 1, Math.sqrt),
  weightedmean: weighted((t) => t + 1, itself),
} as const satisfies Record<string, Rule>;

/** Poolings that make one vector of all tokens. */
export type SentencePooling = keyof typeof rules;
/** Poolings under the names of transformers.js and of sentence-transformers; some are synonyms. */
export type Pooling = 'none' | SentencePooling;
export const sentencePoolings = Object.keys(rules) as readonly SentencePooling[];

/** A text's vector by each of some poolings, one behind the other: `data` [T, C] are the states of its tokens. Zeros where there are none. */
export function pool(data: Float32Array, C: number, poolings: readonly SentencePooling[], skip = 0): Float64Array {
  const [one, ...more] = poolings.map((pooling) => rules[pooling]({ data, C, skip })) as [Float64Array, ...Float64Array[]];
  return more.length ? Float64Array.from([one, ...more].flatMap((vector) => Array.from(vector))) : one;
}

/** A vector scaled to an L2 norm of 1; one of zeros stays. */
export function normalized(vector: Float64Array): Float64Array {
  let square = 0;
  for (const x of vector) square += x * x;
  const norm = Math.max(Math.sqrt(square), 1e-12);
  return vector.map((x) => x / norm);
}
