/**
 * From the scores of tokens to entities: the labels of tokens, the label of a word whose tokens disagree, neighbours that form one entity, and windows that overlap. The
 * strategies, and their results, are those of Hugging Face's token classification.
 */

/** A token of a text with the scores of all labels. */
export interface ScoredToken {
  /** Number of the token in the row. */
  index: number;
  id: number;
  scores: Float32Array;
  /** Place of the token in the text. */
  start: number;
  end: number;
  /** Word of the token; undefined: the token is a word of its own. */
  word: number | undefined;
}

/** Tokens that are of one label. */
export interface Entity {
  label: string;
  score: number;
  tokens: readonly ScoredToken[];
}

/**
 * 'none': every token has its most probable label. 'simple': neighbours of one kind are one entity. The others first give words a label: that of the word's
 * 'first' token, of the 'average' of its tokens' scores, or of the token with the highest score of all ('max'); then as 'simple'.
 */
export const strategies = ['none', 'simple', 'first', 'average', 'max'] as const;
/**
 * Strategy that makes entities of tokens: 'none' keeps single tokens; 'simple' joins neighbours of one kind; 'first', 'average', 'max' make the
 * tokens of a word agree beforehand.
 */
export type AggregationStrategy = (typeof strategies)[number];

/** Scores of a word, by strategy, from the scores of its tokens. */
const wordScores: Readonly<Record<string, (tokens: readonly ScoredToken[]) => ArrayLike<number>>> = {
  first: ([token]) => (token as ScoredToken).scores,
  max: (tokens) =>
    tokens
      .map(({ scores }) => scores)
      .reduce((best, own) => ((own[likeliest(own)] as number) > (best[likeliest(best)] as number) ? own : best)),
  average: (tokens) =>
    Float32Array.from(
      (tokens[0] as ScoredToken).scores,
      (_, i) => tokens.reduce((sum, { scores }) => sum + (scores[i] as number), 0) / tokens.length,
    ),
};

function likeliest(scores: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if ((scores[i] as number) > (scores[best] as number)) best = i;
  return best;
}

/** The entities of a row's tokens, among them those of no interest. */
export function entitiesOf(tokens: readonly ScoredToken[], labels: readonly string[], strategy: AggregationStrategy): Entity[] {
  const make = (own: readonly ScoredToken[], scores: ArrayLike<number>): Entity => {
    const label = likeliest(scores);
    return { label: labels[label] as string, score: scores[label] as number, tokens: own };
  };
  const scoresOf = wordScores[strategy];
  const found = scoresOf ? wordsOf(tokens).map((word) => make(word, scoresOf(word))) : tokens.map((token) => make([token], token.scores));
  return strategy === 'none' ? found : grouped(found);
}

/** Neighbours of one word together. */
function wordsOf(tokens: readonly ScoredToken[]): ScoredToken[][] {
  const words: ScoredToken[][] = [];
  for (const token of tokens) {
    const last = words.at(-1);
    if (token.word !== undefined && last?.at(-1)?.word === token.word) last.push(token);
    else words.push([token]);
  }
  return words;
}

/** Place and kind of a label: "B-PER" begins a person, "I-PER" continues one, "E-PER" ends one, "S-PER" is one alone. Any other label continues an equal one. */
function partsOf(label: string): [place: string, kind: string] {
  const [, place = 'I', kind = label] = /^([BIES])-(.*)$/s.exec(label) ?? [];
  return [place, kind];
}

/** Neighbours of one kind together, by what their labels say of beginnings and ends. An entity's score is the mean of its parts'. */
function grouped(parts: readonly Entity[]): Entity[] {
  const groups: { kind: string; open: boolean; members: Entity[] }[] = [];
  for (const part of parts) {
    const [place, kind] = partsOf(part.label);
    const last = groups.at(-1);
    const open = place !== 'E' && place !== 'S';
    if (last?.open && last.kind === kind && place !== 'B' && place !== 'S') {
      last.members.push(part);
      last.open = open;
    } else groups.push({ kind, open, members: [part] });
  }
  return groups.map(({ kind, members }) => ({
    label: kind,
    score: members.reduce((sum, { score }) => sum + score, 0) / members.length,
    tokens: members.flatMap(({ tokens }) => tokens),
  }));
}

export const startOf = ({ tokens }: Entity): number => tokens[0]?.start ?? 0;
export const endOf = ({ tokens }: Entity): number => tokens.at(-1)?.end ?? 0;

/** Keeps the longest of overlapping entities, the likeliest among equally long ones: windows of a text overlap. */
export function withoutOverlaps(entities: readonly Entity[]): Entity[] {
  const kept: Entity[] = [];
  for (const entity of [...entities].sort((a, b) => startOf(a) - startOf(b))) {
    const last = kept.at(-1);
    if (!last || startOf(entity) >= endOf(last)) {
      kept.push(entity);
      continue;
    }
    const more = endOf(entity) - startOf(entity) - (endOf(last) - startOf(last));
    if (more > 0 || (more === 0 && entity.score > last.score)) kept[kept.length - 1] = entity;
  }
  return kept;
}
