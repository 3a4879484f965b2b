/**
 * Who may import whom: lower layers know nothing of higher ones, one file owns each dependency, and the kernels export what
 * the host calls. A new folder in src needs a place in the table.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Launch } from '../dist/engine/launch.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Lowest first. A file may import from its own folder and from the rows above its own. */
const layers = [
  ['errors', 'math', 'exact', 'pieces', 'steps'],
  ['random'],
  ['runtime/types'],
  ['host'],
  ['engine'],
  ['tensor'],
  ['io', 'text', 'runtime', 'autograd'],
  ['image', 'audio'],
  ['processor'],
  ['ops'],
  ['nn'],
  ['models'],
  ['gguf'],
  ['generation'],
  ['pipelines', 'pictures'],
  ['chat'],
  ['train'],
  ['remote'],
  ['bind_models'],
  ['ai', 'langchain', 'server', 'core', 'bind', 'autos'],
  ['index', 'bind_all'],
  ['entry'],
  ['cli', 'page'],
];

/** What is narrower than the rows: all that these may import beside their own folder. */
const only: Readonly<Record<string, readonly string[]>> = {
  host: ['errors', 'random'],
  io: ['errors', 'pieces', 'runtime/types', 'tensor'],
  text: ['errors', 'steps', 'runtime/types', 'tensor', 'io'],
  image: ['errors', 'exact', 'runtime/types', 'host', 'engine', 'tensor', 'io'],
  runtime: ['errors', 'pieces', 'runtime/types', 'engine'],
  // Models know tokens, not texts.
  models: ['errors', 'random', 'steps', 'runtime/types', 'engine', 'tensor', 'io', 'ops', 'nn'],
  pictures: ['errors', 'host', 'tensor'],
  page: ['pictures', 'runtime', 'server'],
  audio: ['errors', 'exact', 'steps', 'runtime/types', 'tensor', 'io'],
};

/** What only these may import beside itself: a runtime is handed in, and what binds heed to one is no user's. */
const kept: Readonly<Record<string, readonly string[]>> = {
  runtime: ['entry', 'cli', 'page'],
  bind: ['bind_all', 'entry'],
  bind_models: ['bind', 'entry'],
  bind_all: ['entry'],
  autos: ['entry'],
};

/** The files that may import a package or a kind of file: beginnings of their paths. */
const owners: Readonly<Record<string, readonly string[]>> = {
  '@assemblyscript/loader': ['engine/instantiate.ts'],
  '@jsquash/jpeg/codec/dec/mozjpeg_dec.js': ['image/codec.ts'],
  '@jsquash/webp/codec/dec/webp_dec.js': ['image/codec.ts'],
  '@huggingface/tokenizers': ['text/'],
  '@huggingface/jinja': ['text/'],
  commander: ['cli/'],
  'cli-progress': ['cli/'],
  'd3-axis': ['pictures/page/', 'page/'],
  'd3-interpolate': ['pictures/page/', 'page/'],
  'd3-scale': ['pictures/page/', 'page/'],
  'd3-selection': ['pictures/page/', 'page/'],
  hono: ['server/routes/'],
  'hono/cors': ['server/routes/'],
  zod: ['server/routes/'],
  '@ai-sdk/provider': ['ai/'],
  '@langchain/core': ['langchain/'],
  '.wasm': ['runtime/workerd.ts'],
  'node:': ['runtime/node', 'cli/', 'server/'],
};

const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts'));

/** `nn/linear.ts` is of the layer `nn`, `tensor.ts` of `tensor`, `runtime/types.ts` of one of its own. */
function layerOf(file: string): string {
  const name = file.replace(/(\.d)?\.[tj]s$/, '');
  return name === 'runtime/types' ? name : (name.split('/')[0] ?? name);
}

function importsOf(file: string): string[] {
  const source = readFileSync(join(root, 'src', file), 'utf8').replaceAll(/^\s*(\/\/|\/?\*).*$/gm, '');
  const statements = source.matchAll(
    /^(?:import|export)\s[\w\s{},*$]*?from\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm,
  );
  return [...statements].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '');
}

const rank = (layer: string) => layers.findIndex((row) => row.includes(layer));

function complaint(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.') || specifier.endsWith('.wasm')) {
    const scope = specifier.split('/').slice(0, 2).join('/');
    const owner = [specifier, scope, `${specifier.split(':')[0]}:`, posix.extname(specifier)].find((name) => name in owners);
    if (!owner) return `${file} imports ${specifier}, which is no dependency of heed's`;
    const may = owners[owner]?.some((place) => file.startsWith(place));
    return may ? undefined : `${file} imports ${specifier}; that is for ${owners[owner]?.join(', ')}`;
  }
  if (!specifier.endsWith('.js')) return `${file} imports ${specifier} without its extension, .js`;
  const target = posix.join(dirname(file).replaceAll('\\', '/'), specifier);
  const [from, to] = [layerOf(file), layerOf(target)];
  if (from === to) return undefined;
  if (rank(to) < 0) return `${file} imports ${target}, whose layer is not in the table`;
  if (kept[to] && !kept[to].includes(from)) return `${file} imports ${target}, which is for ${kept[to].join(' and ')}`;
  const allowed = only[from]?.includes(to) ?? rank(to) < rank(from);
  return allowed ? undefined : `${file} (${from}) may not import ${target} (${to})`;
}

describe('layers', () => {
  it('has a place for every file', () => {
    expect(files.filter((file) => rank(layerOf(file)) < 0)).toEqual([]);
  });

  it('imports only downwards, and packages only where they belong', () => {
    const complaints = files.flatMap((file) => importsOf(file).map((specifier) => complaint(file, specifier)));
    expect(complaints.filter(Boolean)).toEqual([]);
  });

  it('has no circles: nothing imports what imports it', () => {
    const running = (file: string) => {
      const source = readFileSync(join(root, 'src', file), 'utf8').replaceAll(/^(?:import|export) type [^;]*;$/gm, '');
      const statements = source.matchAll(/^(?:import|export)\s+\{([^}]*)\}\s*from\s*'(\.[^']+)\.js'/gm);
      return [...statements]
        .filter(([, names = '']) => names.split(',').some((name) => name.trim() && !name.trim().startsWith('type ')))
        .map(([, , path = '']) => `${posix.join(dirname(file), path)}.ts`)
        .filter((next) => files.includes(next));
    };
    const known = new Map<string, boolean>();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]) => {
      if (known.get(file) === false) circles.push([...path.slice(path.indexOf(file)), file].join(' > '));
      if (known.has(file)) return;
      known.set(file, false);
      for (const next of running(file)) visit(next, [...path, file]);
      known.set(file, true);
    };
    for (const file of files) visit(file, []);
    expect(circles).toEqual([]);
    expect(known.size).toBeGreaterThan(200);
  });

  it('keeps the kernels to themselves', () => {
    const outside = readdirSync(join(root, 'assembly'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .filter((file) => /from ['"](?!\.\/)/.test(readFileSync(join(root, 'assembly', file), 'utf8')));
    expect(outside).toEqual([]);
  });
});

describe('the kernels and the host', async () => {
  const { arities, BUILD, ...generated } = await import('../dist/engine/kernels.generated.js');
  // Structs begin with a capital letter.
  const kernels = Object.entries(generated).filter(([name, value]) => typeof value === 'function' && /^[a-z]/.test(name));
  const nodeHasRelaxed = Number.parseInt(process.versions.node, 10) >= 22;

  describe.each(['simd', 'simd-threads', 'relaxed', 'relaxed-threads'])('%s', (name) => {
    const relaxed = name.startsWith('relaxed');
    const load = () => new WebAssembly.Module(readFileSync(join(root, `dist/wasm/${name}.wasm`)));

    it.skipIf(relaxed && !nodeHasRelaxed)('exports what the host calls, and nothing else', () => {
      const exports = WebAssembly.Module.exports(load()).map((entry) => entry.name);
      expect(exports.sort()).toEqual([...kernels.map(([name]) => name), 'BUILD', 'RELAXED'].sort());
    });

    it.skipIf(relaxed && !nodeHasRelaxed)('imports a memory and what suits the host, and is of the build that the host belongs to', () => {
      const module = load();
      const globals = relaxed ? ['dots', 'relaxed_rows', 'tile_panels'] : ['plain_rows', 'tile_panels'];
      const imports = WebAssembly.Module.imports(module).map(({ module, name, kind }) => `${kind} ${module}.${name}`);
      expect(imports.sort()).toEqual([...globals.map((name) => `global env.${name}`), 'memory env.memory']);
      const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536, shared: name.endsWith('threads') });
      const { exports } = new WebAssembly.Instance(module, { env: { memory, dots: 0, plain_rows: 4, relaxed_rows: 4, tile_panels: 1 } });
      const values = [exports.BUILD, exports.RELAXED].map((constant) => (constant as WebAssembly.Global).value);
      expect(values).toEqual([BUILD, Number(relaxed)]);
      for (const [i, [kernel, launch]] of kernels.sort().entries()) {
        const { kernel: number, args } = (launch as unknown as (at: object) => Launch)({ tiles: 1, work: 1 });
        const { length } = exports[kernel] as () => void;
        expect([kernel, number, args.length + 2, arities[i]]).toEqual([kernel, i, length, length]);
      }
    });
  });
});
