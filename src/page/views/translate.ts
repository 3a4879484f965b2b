/** Translation of a text, and the way to what the model attended to. */
import { h, labelled, slider, textArea } from '../dom.js';
import { expectText, modelChoice, statusLine, type View, workButton, workForm } from '../view.js';

export const translate: View = {
  name: 'translate',
  title: 'Translate',
  mount(root, context) {
    const model = modelChoice(context, ['translation']);
    const text = textArea(6, 'The sea is calm.');
    const languages = ['From', 'To'].map((name) => {
      const input = h('input', { type: 'text', size: 10, autocomplete: 'off', spellcheck: 'false', placeholder: 'as the model has it' });
      return { input, element: labelled(name, input) };
    });
    const beams = slider('Beams', [1, 8, 1, 1]);
    const output = h('p', { class: 'output', dir: 'auto', role: 'log', 'aria-label': 'Translation', tabindex: 0 });
    const status = statusLine();
    const [from, to] = languages as [(typeof languages)[0], (typeof languages)[0]];

    const run = async (signal: AbortSignal) => {
      const { chosen } = model;
      const input = text.value.trim();
      if (!chosen) return;
      expectText(input);
      output.textContent = '';
      const begin = performance.now();
      const body = {
        ...{ model: chosen.id, input, num_beams: beams.value },
        ...(from.input.value.trim() && { src_lang: from.input.value.trim() }),
        ...(to.input.value.trim() && { tgt_lang: to.input.value.trim() }),
      };
      const { data } = await context.api.ask<{ data: readonly { text: string }[] }>('translate', body, signal);
      output.textContent = data.map(({ text }) => text).join('\n');
      status.textContent = `${((performance.now() - begin) / 1000).toFixed(2)} seconds`;
    };
    const work = workButton({ start: 'Translate', context, status, run });
    const form = workForm(
      work,
      labelled('Text', text),
      h('div', { class: 'row' }, ...languages.map(({ element }) => element), beams.element),
    );
    const see = () => context.go('attention', { model: model.chosen?.id, text: text.value, from: from.input.value, to: to.input.value });
    form.querySelector('.buttons')?.append(h('button', { type: 'button', click: see }, 'See its attention'));
    root.append(model.element, h('div', { class: 'pair' }, form, h('div', {}, h('h2', {}, 'Translation'), output, status)));
    return undefined;
  },
};
