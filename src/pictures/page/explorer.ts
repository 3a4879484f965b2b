/**
 * The explorer of attentions: its state, and drawing it again when that changes. A choice is a group, a layer, a head; a weight is pointed at with the mouse, until it
 * leaves, or picked with a click or the arrow keys, which stays.
 */
import { select } from 'd3-selection';
import type { Group, Head } from './group.js';
import { type Choice, drawHeads, markHead } from './heads.js';
import { type Cell, HeatMap } from './heatmap.js';
import { drawLines } from './lines.js';
import { drawLegend, exponents, type Palette, readPalette, type Shade, type ShadeName, shadeOf } from './palette.js';
import { drawReading } from './reading.js';
import { save } from './save.js';
import { visible } from './tokens.js';

const ranges = ['all heads', 'each head'] as const;
const views = ['one head', 'one token'] as const;
const shades = Object.keys(exponents) as ShadeName[];
/** Number of tokens from which on most weights are so small that in proportion to the largest they could not be seen. */
const MANY = 32;

const hints = {
  'one head': 'Point at a weight to read it.',
  'one token': 'Choose a token on the left.',
} as const;

const within = (index: number, count: number) => Math.min(Math.max(index, 0), count - 1);

/** What of a head is shown beside its map. */
export interface Reading {
  readonly group: Group;
  readonly head: Head;
  /** Token that looks, where one is chosen. */
  readonly query: number | undefined;
  readonly shade: Shade;
  readonly palette: Palette;
  /** Chooses another. */
  choose(query: number): void;
}

/** How an explorer begins. */
export interface Exploring {
  /** Draws the keys of a query. Default: as a text. */
  read?(parent: HTMLElement, reading: Reading): void;
  /** Head that is shown first. Default: the clearest one. */
  first?: Choice;
}

/** Explorers of a page, which have switches of their own. */
let explorers = 0;

/**
 * Fills the elements of markup.ts below `root` with groups of attentions. `title` is for files that are saved.
 * The result ends it, so that other elements can take its place.
 */
export function explore(
  root: HTMLElement,
  groups: readonly Group[],
  title: string,
  { read = drawReading, first }: Exploring = {},
): () => void {
  const at = <E extends HTMLElement>(selector: string): E => root.querySelector(selector) as E;
  const own = ++explorers;
  let palette = readPalette();
  // The page opens on the most telling view: the attention of target to source, by its clearest head, whose largest weight is the darkest.
  let group = groups.find(({ sides }) => sides.queries !== sides.keys) ?? (groups[0] as Group);
  let choice: Choice = first ?? group.clearest;
  let range: (typeof ranges)[number] = 'each head';
  let view: (typeof views)[number] = 'one head';
  let shadeName: ShadeName = Math.max(...groups.map(({ keys }) => keys.length)) > MANY ? 'square root' : 'linear';
  let picked: Cell | undefined;
  let pointed: Cell | undefined;

  const map = new HeatMap(
    at('.map'),
    (cell) => look(() => (pointed = cell)),
    (cell) => look(() => (picked = cell && cell.query === picked?.query && cell.key === picked.key ? undefined : cell)),
  );

  const head = () => group.head(choice.layer, choice.head);
  const shade = ({ layer, head } = choice) => shadeOf(range === 'all heads' ? group.most : group.head(layer, head).most, shadeName);

  function drawAll(): void {
    const show = (next: Choice) => {
      choice = next;
      drawHead();
    };
    drawHeads(at('.heads'), { group, palette, shade, choose: show });
    drawHead();
  }

  function drawHead(): void {
    markHead(at('.heads'), choice);
    at('.caption h2').textContent = `Layer ${choice.layer + 1}, ${group.headName(choice.head)}`;
    drawLegend(at('.legend'), palette, shade());
    at('.map').hidden = view !== 'one head';
    at('.lines').hidden = view !== 'one token';
    if (view === 'one head') map.draw(group, head(), shade(), palette);
    drawLook();
  }

  function look(change: () => void): void {
    change();
    drawLook();
  }

  /** Shows the selected weight: in the map, in figures, in the text. */
  function drawLook(): void {
    const cell = pointed ?? picked;
    if (view === 'one head') map.point(cell);
    else drawLinesOf(cell?.query ?? 0);
    read(at('.reading'), { group, head: head(), query: cell?.query, shade: shade(), palette, choose });
    const readout = select(at('.readout'));
    if (!cell) {
      readout.text(hints[view]);
      return;
    }
    const { query, key } = cell;
    const weight = head().weights[query * group.keys.length + key] as number;
    const parts = [
      { name: 'query', text: visible(group.queries[query] as string) },
      { name: 'place', text: `${query + 1}` },
      { name: 'arrow', text: '→' },
      { name: 'key', text: visible(group.keys[key] as string) },
      { name: 'place', text: `${key + 1}` },
      { name: 'weight', text: group.show(weight) },
    ];
    readout.text('');
    for (const { name, text } of parts) readout.append('bdi').attr('class', name).text(text);
  }

  /** Picks a query. */
  function choose(query: number): void {
    look(() => (picked = { query, key: picked?.key ?? 0 }));
  }

  /** Draws the lines from one token, for all heads of the layer; for the mean, from that alone. */
  function drawLinesOf(query: number): SVGSVGElement {
    const heads = choice.head >= group.heads ? [choice.head] : Array.from({ length: group.heads }, (_, head) => head);
    const { layer } = choice;
    return drawLines(at('.lines'), { group, layer, heads, query, shade: (head) => shade({ layer, head }), choose });
  }

  /** Draws a row of radio buttons. */
  function drawSwitch<Name extends string>(
    selector: string,
    names: readonly Name[],
    first: Name,
    choose: (name: Name, index: number) => void,
  ): void {
    const labels = select(at(selector)).selectAll('label').data(names).join('label');
    labels
      .append('input')
      .attr('type', 'radio')
      .attr('name', `${selector}-${own}`)
      .property('checked', (name) => name === first)
      .on('change', (_, name) => choose(name, names.indexOf(name)));
    labels.append('span').text((name) => name);
  }

  const moves: Readonly<Record<string, (cell: Cell) => Cell>> = {
    ArrowUp: ({ query, key }) => ({ query: query - 1, key }),
    ArrowDown: ({ query, key }) => ({ query: query + 1, key }),
    ArrowLeft: ({ query, key }) => ({ query, key: key - 1 }),
    ArrowRight: ({ query, key }) => ({ query, key: key + 1 }),
    Home: ({ query }) => ({ query, key: 0 }),
    End: ({ query }) => ({ query, key: group.keys.length - 1 }),
  };

  select(root)
    .selectAll<HTMLElement, unknown>('.map, .lines')
    .on('keydown', (event: KeyboardEvent) => {
      const move = moves[event.key];
      if (!move && event.key !== 'Escape') return;
      event.preventDefault();
      const { query, key } = picked && move ? move(picked) : { query: 0, key: 0 };
      picked = move && { query: within(query, group.queries.length), key: within(key, group.keys.length) };
      look(() => (pointed = undefined));
    });

  const names = groups.map(({ name }) => name);
  drawSwitch('.groups', names, group.name, (_, index) => {
    group = groups[index] as Group;
    choice = { layer: within(choice.layer, group.layers), head: within(choice.head, group.columns) };
    picked = pointed = undefined;
    drawAll();
  });
  drawSwitch('.views', views, view, (name) => {
    view = name;
    pointed = undefined;
    drawHead();
  });
  drawSwitch('.ranges', ranges, range, (name) => {
    range = name;
    drawAll();
  });
  drawSwitch('.shades', shades, shadeName, (name) => {
    shadeName = name;
    drawAll();
  });
  select(at('.save')).on('click', () => {
    const query = (pointed ?? picked)?.query ?? 0;
    const shown = view === 'one head' ? (at('.map svg') as unknown as SVGSVGElement) : drawLinesOf(query);
    const picture = view === 'one head' ? map.picture : (shown.cloneNode(true) as SVGSVGElement);
    save(shown, picture, `${title} ${at('.caption h2').textContent}`);
  });
  at('.groups').hidden = groups.length < 2;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const repaint = () => {
    palette = readPalette();
    drawAll();
  };
  dark.addEventListener('change', repaint);
  drawAll();
  // The map itself has no width while the lines are shown.
  const frame = at('.map').parentElement as HTMLElement;
  let width = frame.clientWidth;
  const observer = new ResizeObserver(([entry]) => {
    if (!entry || entry.contentRect.width === width) return;
    width = entry.contentRect.width;
    drawHead();
  });
  observer.observe(frame);
  return () => {
    observer.disconnect();
    dark.removeEventListener('change', repaint);
  };
}
