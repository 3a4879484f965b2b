/** What a model attends to: in a text of the user, in a translation that it writes, in a picture; and, of a language model, what comes next. */
import { controls, explorer } from '../../pictures/markup.js';
import { explore } from '../../pictures/page/explorer.js';
import { Group, type GroupShape } from '../../pictures/page/group.js';
import { readable } from '../../pictures/page/tokens.js';
import { base64Of, floatsOf } from '../bytes.js';
import { h, labelled, textArea } from '../dom.js';
import { drawNext, type Next, temperatures } from '../next.js';
import { type Picture, pictureReading } from '../sight.js';
import { expectText, modelChoice, statusLine, type View, workButton, workForm } from '../view.js';

const texts = ['text-generation', 'translation', 'feature-extraction', 'text-classification'];
const pictures = ['image-classification', 'image-feature-extraction'];

interface Answer {
  readonly tokens: { readonly source: readonly string[]; readonly target: readonly string[] };
  readonly groups: readonly (GroupShape & { readonly weights: string })[];
  readonly next?: Next;
  readonly translation?: string;
  readonly picture?: Picture;
}

export const attention: View = {
  name: 'attention',
  title: 'Attention',
  mount(root, context) {
    const text = textArea(3, 'The animal did not cross the street because it was too tired.');
    const file = h('input', { type: 'file', accept: 'image/png, image/jpeg, image/webp, image/gif' });
    const languages = ['From', 'To'].map((name) => {
      const input = h('input', { type: 'text', size: 10, autocomplete: 'off', placeholder: 'as the model has it' });
      return { input, element: labelled(name, input) };
    });
    const [textField, fileField] = [labelled('Text', text), labelled('Picture', file)];
    const status = statusLine();
    const seen = h('div', { class: 'seen' });
    let end = () => {};
    /** Shows nothing: what was seen is of another text or model than what stands above. */
    const clear = () => {
      end();
      end = () => {};
      seen.replaceChildren();
    };
    let before: string | undefined;
    const model = modelChoice(context, [...texts, ...pictures], (chosen) => {
      if (chosen?.id !== before) clear();
      before = chosen?.id;
      const task = chosen?.task;
      textField.hidden = task !== undefined && pictures.includes(task);
      fileField.hidden = !textField.hidden;
      for (const { element } of languages) element.hidden = task !== 'translation';
    });

    const show = ({ tokens, groups, next, translation, picture }: Answer) => {
      end();
      const own = { source: readable(tokens.source), target: readable(tokens.target) };
      const place = h('div', { class: 'explorer' });
      const top = h('div');
      top.innerHTML = controls;
      place.innerHTML = explorer;
      const take = (more: string) => {
        text.value += more;
        void work.anew();
      };
      const said = translation !== undefined && h('p', { class: 'output', dir: 'auto' }, translation);
      seen.replaceChildren(
        ...[said, next && drawNext(next, take), top, place].filter((one): one is HTMLElement => one instanceof HTMLElement),
      );
      const made = groups.map(
        (group) =>
          new Group(
            group,
            own,
            () => floatsOf(group.weights),
            (weight) => weight.toFixed(4),
          ),
      );
      place.classList.toggle('seeing', picture !== undefined);
      const [group] = made;
      // The clearest head of a picture's is often one that looks at a single patch of nothing; the last layer's mean tells what counts.
      const first = group && { layer: group.layers - 1, head: group.heads };
      end = explore(seen, made, text.value, picture && first ? { read: pictureReading(picture), first } : {});
    };

    const run = async (signal: AbortSignal) => {
      const { chosen } = model;
      if (!chosen) return;
      const isPicture = pictures.includes(chosen.task);
      const picture = file.files?.[0];
      if (!isPicture) expectText(text.value);
      else if (!picture) throw new Error('Choose a picture first.');
      const [from, to] = languages.map(({ input, element }) => (element.hidden ? '' : input.value.trim()));
      const body = {
        model: chosen.id,
        ...(isPicture && picture ? { image: await base64Of(picture) } : { input: text.value }),
        ...(chosen.task === 'text-generation' && { temperatures, top_k: 12 }),
        ...(from && { src_lang: from }),
        ...(to && { tgt_lang: to }),
      };
      const answer = await context.api.ask<Answer>('attention', body, signal).catch((error) => {
        clear();
        throw error;
      });
      show(answer);
      const { source, target } = answer.tokens;
      status.textContent = `${source.length} tokens${target.length ? `, and ${target.length} that were written` : ''}.`;
    };

    const work = workButton({ start: 'Look', context, status, run });
    const form = workForm(
      work,
      h('div', { class: 'row' }, model.element, ...languages.map(({ element }) => element)),
      textField,
      fileField,
    );
    root.append(form, status, seen);
    return (given) => {
      if (given.model) model.choose(given.model);
      text.value = given.text;
      for (const [i, name] of (['from', 'to'] as const).entries()) (languages[i] as (typeof languages)[0]).input.value = given[name];
      void work.anew();
    };
  },
};
