/** Curves of training runs, as they grow: those that are chosen are asked for again every few seconds, while somebody looks. */

import { Refused } from '../api.js';
import { colorOfRun, drawCurves, type RunCurves } from '../curves.js';
import { h, labelled, onWidth } from '../dom.js';
import { statusLine, tell, tellFailure, type View } from '../view.js';

/** Milliseconds between two readings. */
const PAUSE = 2000;

interface Run {
  readonly id: string;
  readonly modified: number;
}

export const training: View = {
  name: 'training',
  title: 'Training',
  mount(root, context) {
    const list = h('fieldset', { class: 'runs' }, h('legend', {}, 'Runs'));
    const scale = h('input', { type: 'checkbox', change: () => draw() });
    const curves = h('div', { class: 'curves' });
    const status = statusLine();
    const chosen = new Set<string>();
    let runs: readonly Run[] = [];
    let shown: readonly RunCurves[] = [];

    const draw = () => {
      const places = shown.map(({ id }) => runs.findIndex((run) => run.id === id));
      drawCurves(curves, shown, places, runs.length, scale.checked);
    };

    const drawList = () => {
      const rows = runs.map(({ id, modified }, i) => {
        const change = () => {
          if (box.checked) chosen.add(id);
          else chosen.delete(id);
          void read();
        };
        const box = h('input', { type: 'checkbox', checked: chosen.has(id), change });
        const mark = h('i', { 'aria-hidden': 'true' });
        mark.style.background = colorOfRun(i, runs.length);
        return h('label', {}, box, mark, h('span', {}, id), h('small', {}, new Date(modified).toLocaleString()));
      });
      list.replaceChildren(h('legend', {}, 'Runs'), ...rows);
    };

    /** Curves of a run; none of one that is gone since the list was read. */
    const curvesOf = async (id: string): Promise<readonly RunCurves[]> => {
      try {
        return [await context.api.ask<RunCurves>(`runs/${encodeURIComponent(id)}`)];
      } catch (error) {
        if (error instanceof Refused && error.status === 404) return [];
        throw error;
      }
    };

    /** Reads the list and the chosen runs. */
    const read = async () => {
      try {
        const { data } = await context.api.ask<{ data: readonly Run[] }>('runs');
        const [before, now] = [runs, data].map((some) => some.map(({ id }) => id).join('\n'));
        if (!runs.length && data[0]) chosen.add(data[0].id);
        runs = data;
        if (before !== now) drawList();
        const asked = runs.filter(({ id }) => chosen.has(id));
        const found = (await Promise.all(asked.map(({ id }) => curvesOf(id)))).flat();
        const isNew = JSON.stringify(found) !== JSON.stringify(shown);
        shown = found;
        if (isNew) draw();
        status.classList.remove('wrong');
        const bare = found.flatMap(({ id, curves }) => (Object.keys(curves).length ? [] : id));
        const none = bare.length ? `There is no curve yet of ${bare.join(', ')}.` : '';
        tell(status, runs.length ? none : 'There is no run in this folder yet.');
      } catch (error) {
        const hasNone = error instanceof Refused && error.status === 404 && !runs.length;
        if (hasNone) tell(status, 'Start the server with --runs FOLDER to see runs of training here.');
        else tellFailure(status, context, error);
        // Who has no runs, or wants a key, will say so again.
        return !hasNone && !(error instanceof Refused && error.status === 401);
      }
      return true;
    };

    onWidth(curves, draw);
    let isLive = false;
    const live = async () => {
      const isSeen = document.visibilityState === 'visible' && !root.hidden;
      isLive = !isSeen || (await read());
      if (isLive) setTimeout(live, PAUSE);
    };
    root.append(h('div', { class: 'row' }, list, labelled('Logarithmic scale', scale, 'field check')), status, curves);
    context.onModels(() => {
      if (isLive) return;
      isLive = true;
      void live();
    });
    return undefined;
  },
};
