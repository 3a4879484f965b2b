/** What a language model may write next, by a temperature that the user moves: bars of probabilities. */
import { visible } from '../pictures/page/tokens.js';
import { h, slider } from './dom.js';

/** Temperatures of the slider. */
const [LEAST, MOST, STEP] = [0.1, 2, 0.1];
export const temperatures = Array.from({ length: Math.round((MOST - LEAST) / STEP) + 1 }, (_, i) => Number((LEAST + i * STEP).toFixed(1)));

/** Tokens with their logits, and the logarithm of the whole vocabulary's sum for each temperature. */
export interface Next {
  readonly tokens: readonly { readonly text: string; readonly logit: number }[];
  readonly log_sums: readonly number[];
}

/** Draws the bars. `take` goes on with a token. */
export function drawNext({ tokens, log_sums }: Next, take: (text: string) => void): HTMLElement {
  const list = h('ol', { class: 'bars', 'aria-label': 'Tokens that may come next' });
  const rows = tokens.map(({ text, logit }) => {
    const meter = h('meter', { min: 0, max: 1, 'aria-label': `Probability of ${visible(text)}` });
    const share = h('b');
    const isWhole = text !== '' && !text.includes('\ufffd');
    const title = isWhole ? 'Go on with it' : 'A part of a letter, which is no text by itself';
    const go = () => take(text);
    list.append(h('li', {}, h('button', { type: 'button', click: go, title, disabled: !isWhole }, visible(text)), meter, share));
    return { logit, meter, share };
  });
  const draw = () => {
    const sum = log_sums[temperatures.findIndex((t) => Math.abs(t - temperature.value) < STEP / 2)] ?? 0;
    for (const { logit, meter, share } of rows) {
      const p = Math.exp(logit / temperature.value - sum);
      meter.value = p;
      share.textContent = `${(100 * p).toFixed(p < 0.1 ? 2 : 1)} %`;
    }
  };
  const temperature = slider('Temperature', [LEAST, MOST, STEP, 1], draw);
  draw();
  return h('section', { class: 'next' }, h('h2', {}, 'What comes next'), temperature.element, list);
}
