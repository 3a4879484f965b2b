/**
 * Runs of training below a folder: a run is a folder with TensorBoard's events, or with the curve.json of `heed train`. Runs are asked for by their names, which are those of the
 * listing; a name becomes a path only where it is one of them.
 */
import { ApiError } from './errors.js';
import { type Point, readEvents } from './tfevents.js';

/** Runs that are listed, points of a curve, bytes of a file that are read. */
const [MOST_RUNS, MOST_POINTS, MOST_BYTES] = [1000, 2000, 2 ** 26];

/** A run, and when it last went on, in milliseconds. */
export interface Run {
  readonly id: string;
  readonly modified: number;
}

/** Curves of a run by their tags: train/loss, validation/loss. */
export type Curves = Readonly<Record<string, readonly Point[]>>;

/** Tags of curve.json's fields, as events have them. */
const tagOf = (field: string): string => field.replace(/^train_/, 'train/').replace(/^valid_/, 'validation/');

interface Files {
  readonly run: string;
  readonly modified: number;
  readonly events: readonly string[];
  readonly curve: string | undefined;
}

export class Runs {
  constructor(readonly folder: string) {}

  /** Runs, the newest first: folders in the folder, and the folder itself where it is one. */
  async list(): Promise<readonly Run[]> {
    const all = await this.#all();
    return all.map(({ run, modified }) => ({ id: run, modified })).sort((a, b) => b.modified - a.modified || (a.id < b.id ? -1 : 1));
  }

  /** Curves of a run. Rejects with 404 for a name that is not in the list. */
  async curves(id: string): Promise<Curves> {
    const found = (await this.#all()).find(({ run }) => run === id);
    if (!found) throw new ApiError(404, `There is no run ${JSON.stringify(id.slice(0, 100))}`, { code: 'not_found' });
    const curves = new Map<string, Point[]>();
    const hear = (tag: string, step: number, value: number) => {
      const curve = curves.get(tag) ?? [];
      curves.set(tag, curve);
      // A resumption goes on from its checkpoint: points of the run before it that are not earlier do not count.
      while ((curve.at(-1)?.[0] ?? -1) >= step) curve.pop();
      curve.push([step, value]);
    };
    for (const file of found.events) readEvents((await unlessGone(bytesOf(file))) ?? new Uint8Array(), hear);
    if (!curves.size && found.curve) readCurve((await unlessGone(bytesOf(found.curve))) ?? new Uint8Array(), hear);
    return Object.fromEntries([...curves].map(([tag, curve]) => [tag, thinned(curve)]));
  }

  async #all(): Promise<readonly Files[]> {
    const [{ readdir }, { basename, join }] = await Promise.all([import('node:fs/promises'), import('node:path')]);
    const entries = await readdir(this.folder, { withFileTypes: true }).catch((cause) => {
      throw new ApiError(503, 'The folder of runs cannot be read', { cause });
    });
    const folders = entries.filter((entry) => entry.isDirectory()).slice(0, MOST_RUNS);
    const found = await Promise.all([
      filesOf(this.folder, basename(this.folder) || 'run'),
      ...folders.map(({ name }) => filesOf(join(this.folder, name), name)),
    ]);
    return found.filter((files) => files !== undefined);
  }
}

/** Files of a run, where a folder is one. */
async function filesOf(folder: string, run: string): Promise<Files | undefined> {
  const [{ readdir, stat }, { join }] = await Promise.all([import('node:fs/promises'), import('node:path')]);
  const inside = async (path: string) => (await readdir(path).catch(() => [])).map((name) => join(path, name));
  const direct = await inside(folder);
  const events = [...direct, ...(await inside(join(folder, 'events')))]
    .filter((path) => /[/\\]events\.out\.tfevents\.[^/\\]+$/.test(path))
    .sort();
  const curve = direct.find((path) => /[/\\]curve\.json$/.test(path));
  const found = await Promise.all([...events, ...(curve ? [curve] : [])].map((path) => unlessGone(stat(path))));
  const times = found.flatMap((one) => (one ? [one.mtimeMs] : []));
  return times.length ? { run, events, curve, modified: Math.max(...times) } : undefined;
}

/** What is learnt of a file, or `undefined` where it was removed since its folder was read. */
function unlessGone<T>(what: Promise<T>): Promise<T | undefined> {
  return what.catch((error) => {
    if (Object(error).code === 'ENOENT') return undefined;
    throw error;
  });
}

/** The beginning of a file. */
async function bytesOf(path: string): Promise<Uint8Array> {
  const { open } = await import('node:fs/promises');
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const bytes = new Uint8Array(Math.min(size, MOST_BYTES));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Points of a curve.json; none of one that is being written. */
function readCurve(bytes: Uint8Array, hear: (tag: string, step: number, value: number) => void): void {
  let curve: unknown;
  try {
    curve = JSON.parse(new TextDecoder().decode(bytes)).curve;
  } catch {
    return;
  }
  for (const point of Array.isArray(curve) ? curve : []) {
    const { step, seconds, ...values } = Object(point) as Record<string, unknown>;
    if (typeof step !== 'number') continue;
    for (const [name, value] of Object.entries(values)) if (Number.isFinite(value)) hear(tagOf(name), step, value as number);
  }
}

/** Every n-th point of a long curve, and its last. */
function thinned(points: readonly Point[]): readonly Point[] {
  const every = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, i) => i % every === 0 || i === points.length - 1);
}
