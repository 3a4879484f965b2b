/**
 * The kind of a classifier's labels, by transformers' rule: config.json's problem_type; without it a regression where there is one label, and else the kind of the
 * examples' labels, one for each text or several. Each kind has its own labels, and its own loss.
 */
import { HeedError, kindOf } from '../errors.js';
import { type ProblemType, problemTypes } from '../models/labels.js';
import type { Objective } from './objective.js';
import { type ClassificationOptions, classesOf } from './objectives/classification.js';
import { labelsApart } from './objectives/multi_label_classification.js';
import type { ClassifyingModel, LabelledExamples } from './objectives/numbers.js';
import { numbersOf } from './objectives/regression.js';

/** Label of an example: a name or a number. Where a text or a picture can have several labels, a list of them, or of a number for each class. */
export type ExampleLabel = string | number | readonly string[] | readonly number[];

export interface Problem {
  /** Returns the value of an example's label: a class, or a number for each of the model's labels; undefined for an invalid label. */
  read(label: unknown, labels: readonly string[]): readonly number[] | undefined;
  /** Returns the cure for an invalid label. */
  cure(labels: readonly string[]): string;
  /** Returns the labels of a batch as the objective takes them. */
  pack(rows: readonly (readonly number[])[]): Int32Array | Float32Array;
  objective(options: ClassificationOptions): Objective<ClassifyingModel, LabelledExamples>;
}

const named = (labels: readonly string[]) => `The model knows ${labels.slice(0, 20).join(', ')}`;
const floats = (rows: readonly (readonly number[])[]) => Float32Array.from(rows.flat());

/** Returns a list of as many numbers as there are labels, all of which fit; undefined for any other label. */
const numbersIn = (label: unknown, { length }: readonly string[], fits: (value: number) => boolean): readonly number[] | undefined =>
  Array.isArray(label) && label.length === length && label.every((value) => typeof value === 'number' && fits(value)) ? label : undefined;

const problems: Readonly<Record<ProblemType, Problem>> = {
  single_label_classification: {
    read(label, labels) {
      const number = typeof label === 'string' ? labels.indexOf(label) : label;
      return Number.isInteger(number) && labels[number as number] !== undefined ? [number as number] : undefined;
    },
    cure: named,
    pack: (rows) => Int32Array.from(rows.flat()),
    objective: (options) => classesOf(options) as ReturnType<Problem['objective']>,
  },
  multi_label_classification: {
    read(label, labels) {
      const known = Array.isArray(label) && label.every((name) => typeof name === 'string' && labels.includes(name));
      return known ? labels.map((name) => Number(label.includes(name))) : numbersIn(label, labels, (x) => x >= 0 && x <= 1);
    },
    cure: (labels) => `An example has several labels here: give a list of those that it has, or of 0 or 1 for each. ${named(labels)}`,
    pack: floats,
    objective: (options) => unweighted('multi_label_classification', options, labelsApart() as ReturnType<Problem['objective']>),
  },
  regression: {
    read: (label, labels) => numbersIn(typeof label === 'number' ? [label] : label, labels, (x) => Number.isFinite(Math.fround(x))),
    cure: ({ length }) => (length === 1 ? 'Give a number' : `Give a list of ${length} numbers`),
    pack: floats,
    objective: (options) => unweighted('regression', options, numbersOf() as ReturnType<Problem['objective']>),
  },
};

/** Throws UNSUPPORTED for options that only classes which exclude each other have. */
function unweighted<T>(problem: ProblemType, options: ClassificationOptions, objective: T): T {
  const culprit = (['weight', 'labelSmoothing'] as const).find((name) => options[name]);
  if (culprit === undefined) return objective;
  throw new HeedError('UNSUPPORTED', `fit: problem_type is ${problem}, which has no ${culprit}`, { culprit, cure: 'Leave it out' });
}

/** Kind of a model's labels, `first` being the label of an example. Throws FORMAT for an unknown problem_type, or for one that does not go with a single label. */
export function problemOf(said: unknown, labels: readonly string[], first: unknown): { type: ProblemType; problem: Problem } {
  const wrong = (what: string, cure: string) => new HeedError('FORMAT', `fit: ${what}`, { culprit: 'problem_type', cure });
  const inferred = labels.length === 1 ? 'regression' : Array.isArray(first) ? 'multi_label_classification' : 'single_label_classification';
  const type = problemTypes.find((name) => name === (said ?? inferred));
  if (!type) throw wrong(`config.json's problem_type is ${kindOf(said)}`, `It is ${problemTypes.join(', ')} or nothing`);
  if (type === 'single_label_classification' && labels.length === 1)
    throw wrong(`problem_type is ${type}, and there is one label`, "Give num_labels: 2 for yes and no, or problem_type: 'regression'");
  return { type, problem: problems[type] };
}
