/** Lines of the user as a map, near each other where their vectors are, and a search among them. */
import { cut } from '../../pictures/page/tokens.js';
import { floatsOf } from '../bytes.js';
import { h, labelled, onWidth, s, textArea } from '../dom.js';
import { cosine, type Plane, planeOf } from '../pca.js';
import { expectText, modelChoice, statusLine, type View, workButton, workForm } from '../view.js';

/** Lines of a map. More would hide each other. */
const MOST_LINES = 500;
/** Lines from which on points are smaller. */
const MANY = 100;
/** Height of the drawing for its width, its margin, and letters of a label. */
const [RATIO, MARGIN, LETTERS] = [0.66, 32, 26];
/** Pixels of a letter, of one that is as wide as high, between a point and its label, and from line to line. */
const [LETTER, WIDE, GAP, LINE] = [7.2, 14, 10, 16];
/** Letters from here on, Chinese ones and emoji, are wide. */
const FIRST_WIDE = '\u2e80';

const examples = [
  'The cat sleeps on the sofa.',
  'A dog runs through the park.',
  'Kittens like warm places.',
  'The stock market fell today.',
  'Banks raise their interest rates.',
  'Investors sell their shares.',
  'Boil the potatoes for twenty minutes.',
  'Add a pinch of salt to the soup.',
  'The oven must be hot before you bake.',
];

interface Line {
  readonly text: string;
  readonly vector: Float32Array;
}

export const embeddings: View = {
  name: 'embeddings',
  title: 'Embeddings',
  mount(root, context) {
    const model = modelChoice(context, ['feature-extraction']);
    const text = textArea(10, examples.join('\n'));
    const query = h('input', { type: 'search', autocomplete: 'off', placeholder: 'pets' });
    const map = h('div', { class: 'scatter' });
    const found = h('ol', { class: 'found' });
    const [status, searched] = [statusLine(), statusLine()];
    let lines: Line[] = [];
    let plane: Plane | undefined;
    /** Model and lines of the map. */
    let mapped = '';
    const wanted = () => JSON.stringify([model.chosen?.id, text.value]);
    let redraw: () => void = () => {};

    const vectorsOf = async (input: readonly string[], prompt_name: string | undefined, signal: AbortSignal) => {
      const body = { model: model.chosen?.id, input, encoding_format: 'base64', ...(prompt_name && { prompt_name }) };
      const { data } = await context.api.ask<{ data: readonly { embedding: string }[] }>('v1/embeddings', body, signal);
      return data.map(({ embedding }) => floatsOf(embedding));
    };

    const draw = async (signal: AbortSignal) => {
      if (!model.chosen) return;
      expectText(text.value, 'a line');
      const texts = text.value.split('\n').flatMap((line) => line.trim() || []);
      const of = wanted();
      const kept = texts.slice(0, MOST_LINES);
      const vectors = await vectorsOf(kept, undefined, signal);
      lines = kept.map((text, i) => ({ text, vector: vectors[i] as Float32Array }));
      plane = planeOf(vectors);
      mapped = of;
      show();
      found.replaceChildren();
      searched.textContent = '';
      const cut = texts.length > kept.length ? `The first ${MOST_LINES} of ${texts.length} lines. ` : '';
      const count = lines.length === 1 ? '1 line' : `${lines.length} lines`;
      status.textContent = `${cut}${count}; the map shows ${(100 * plane.shown).toFixed(0)} % of how they differ.`;
    };

    const search = async (signal: AbortSignal) => {
      if (!model.chosen) return;
      const asked = query.value.trim();
      expectText(asked, 'what to search for');
      // Vectors of another model cannot be compared with the query's.
      if (mapped !== wanted()) await draw(signal);
      const [vector] = (await vectorsOf([asked], 'query', signal)) as [Float32Array];
      const scores = lines.map(({ vector: own }) => cosine(own, vector));
      const order = [...lines.keys()].sort((a, b) => (scores[b] as number) - (scores[a] as number));
      show({ text: asked, vector }, order.slice(0, 3));
      found.replaceChildren(
        ...order
          .slice(0, 10)
          .map((i) => h('li', {}, h('span', { dir: 'auto' }, lines[i]?.text), h('b', {}, (scores[i] as number).toFixed(3)))),
      );
      searched.textContent = 'The nearest lines, with their cosines:';
    };

    /** Draws the map, now and for any other width. */
    const show = (query?: Line, best?: readonly number[]) => {
      redraw = () => plane && map.replaceChildren(drawing(map.clientWidth, lines, plane, query, best));
      redraw();
    };
    onWidth(map, () => redraw());

    const work = workButton({ start: 'Draw the map', context, status, run: draw });
    const searching = workButton({ start: 'Search', context, status: searched, run: search });
    root.append(
      model.element,
      h(
        'div',
        { class: 'pair' },
        h(
          'div',
          {},
          workForm(work, labelled('Lines', text)),
          status,
          workForm(searching, labelled('Search among them', query)),
          searched,
          found,
        ),
        map,
      ),
    );
    return undefined;
  },
};

/** Draws the map: a point for each line, with its text where there is room; the best ones of a search are marked. */
function drawing(width: number, lines: readonly Line[], plane: Plane, query?: Line, best: readonly number[] = []): SVGElement {
  const height = Math.round(RATIO * width);
  const all = [...lines, ...(query ? [query] : [])];
  const places = all.map(({ vector }) => plane.place(vector));
  const span = (axis: 0 | 1) => {
    const values = places.map((place) => place[axis]);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return { middle: (least + most) / 2, width: Math.max(most - least, 1e-6) };
  };
  const [across, down] = [span(0), span(1)];
  // One scale for both axes, so that distances can be compared.
  const scale = Math.min((width - 2 * MARGIN) / across.width, (height - 2 * MARGIN) / down.width);
  const taken: { x: number; y: number; width: number }[] = [];
  // What was searched for is named first, then what was found.
  const order = [...(query ? [lines.length] : []), ...best, ...all.keys()];
  const points = [...new Set(order)].map((i) => {
    const { text } = all[i] as Line;
    const [a, b] = places[i] as [number, number];
    const [x, y] = [width / 2 + (a - across.middle) * scale, height / 2 - (b - down.middle) * scale];
    const label = cut(text, LETTERS);
    const wide = Array.from(label).reduce((sum, letter) => sum + (letter < FIRST_WIDE ? LETTER : WIDE), 0);
    const sides = [x + GAP, x - GAP - wide].filter((left) => left >= 0 && left + wide <= width);
    const left = sides.find((left) => !taken.some((one) => Math.abs(one.y - y) < LINE && left < one.x + one.width && one.x < left + wide));
    if (left !== undefined) taken.push({ x: left, y, width: wide });
    const kind = i === lines.length ? 'query' : best.includes(i) ? 'best' : '';
    const isEnd = left !== undefined && left < x;
    return s(
      'g',
      { class: `point ${kind}`, transform: `translate(${x.toFixed(1)}, ${y.toFixed(1)})` },
      s('title', {}, text),
      kind === 'query' ? s('path', { d: 'M0,-8 L8,0 L0,8 L-8,0 Z' }) : s('circle', { r: lines.length > MANY ? 3 : 5 }),
      left !== undefined && s('text', { x: isEnd ? -GAP : GAP, dy: '0.35em', 'text-anchor': isEnd ? 'end' : 'start' }, label),
    );
  });
  const name = `Map of ${lines.length} lines${query ? ` and the search ${query.text}` : ''}`;
  return s('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': name }, ...points);
}
