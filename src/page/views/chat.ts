/** A conversation with a language model: answers come as they are written, and can be stopped. */
import { Refused } from '../api.js';
import { h, labelled, slider, textArea } from '../dom.js';
import { expectText, modelChoice, sendByEnter, statusLine, type View, workButton, workForm } from '../view.js';

interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  content: string;
}

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string | null }; readonly finish_reason?: string | null }[];
}

/** Where the tab keeps its conversation while the page is loaded again. */
const KEPT = 'heed.chat';

export const chat: View = {
  name: 'chat',
  title: 'Chat',
  mount(root, context) {
    const model = modelChoice(context, ['text-generation']);
    const list = h('ol');
    const log = h('div', { class: 'messages', role: 'log', 'aria-label': 'Conversation', tabindex: 0 }, list);
    const text = textArea(2, '');
    text.placeholder = 'Why is the sea salty?';
    const system = textArea(2, '');
    const temperature = slider('Temperature', [0, 2, 0.1, 0.7]);
    const most = slider('Longest answer, in tokens', [16, 2048, 16, 512]);
    const status = statusLine();
    let messages: Message[] = JSON.parse(sessionStorage.getItem(KEPT) ?? '[]');
    /** Answer that is being written. */
    let writing: Message | undefined;

    /** Shows a message, and keeps its end in sight. */
    const show = ({ role, content }: Message): HTMLElement => {
      const said = h('span', { dir: 'auto' }, content);
      list.append(h('li', { class: role }, h('b', { class: 'who' }, role === 'user' ? 'You: ' : 'Model: '), said));
      log.scrollTop = log.scrollHeight;
      return said;
    };

    const keep = () => {
      const all = writing?.content ? [...messages, writing] : messages;
      try {
        sessionStorage.setItem(KEPT, JSON.stringify(all));
      } catch {
        sessionStorage.removeItem(KEPT); // it is too long to be kept
      }
    };
    addEventListener('pagehide', keep);
    for (const message of messages) show(message);
    // A question without an answer goes back to where it was written.
    if (messages.at(-1)?.role === 'user') {
      text.value = messages.pop()?.content ?? '';
      list.lastElementChild?.remove();
    }

    const answer = async (signal: AbortSignal) => {
      const content = text.value.trim();
      const { chosen } = model;
      if (!chosen) return;
      expectText(content, 'a message');
      text.value = '';
      const conversation = messages; // which a new chat replaces
      const [asked, written]: Message[] = [
        { role: 'user', content },
        { role: 'assistant', content: '' },
      ] as const;
      conversation.push(asked as Message);
      writing = written as Message;
      const question = show(asked as Message);
      const item = show(written as Message);
      let [pieces, first] = [0, 0];
      let finish: string | null | undefined;
      const body = {
        model: chosen.id,
        messages: [...(system.value.trim() ? [{ role: 'system', content: system.value.trim() }] : []), ...conversation],
        ...{ stream: true, temperature: temperature.value, max_tokens: most.value },
      };
      // Readers of screens tell an answer as a whole.
      log.setAttribute('aria-busy', 'true');
      try {
        for await (const { choices } of context.api.events<Chunk>('v1/chat/completions', body, signal)) {
          finish = choices[0]?.finish_reason ?? finish;
          const piece = choices[0]?.delta.content;
          if (!piece) continue;
          const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
          (written as Message).content += piece;
          item.append(piece);
          if (isAtEnd) log.scrollTop = log.scrollHeight;
          if (pieces++ > 0) continue;
          first = performance.now();
          status.textContent = 'The answer begins';
        }
        if (!finish) throw new Error('The answer broke off');
        const seconds = (performance.now() - first) / 1000;
        const rate = pieces > 1 && seconds > 0 ? `${((pieces - 1) / seconds).toFixed(1)} pieces a second. ` : '';
        const end = finish === 'length' ? 'The answer is cut off at the length that the settings allow.' : '';
        status.textContent = pieces ? rate + end : 'The model said nothing.';
      } catch (error) {
        if (!(error instanceof Refused && error.code === 'context_length_exceeded')) throw error;
        throw new Error('The conversation is longer than the model reads: begin a new chat, or allow shorter answers only');
      } finally {
        writing = undefined;
        log.removeAttribute('aria-busy');
        // What was stopped was said, too; a question without an answer would confuse the model, and goes back to where it was written.
        if ((written as Message).content) conversation.push(written as Message);
        else {
          conversation.pop();
          for (const one of [question, item]) one.parentElement?.remove();
          if (conversation === messages) text.value ||= content;
        }
        keep();
      }
    };

    const work = workButton({ start: 'Send', context, status, run: answer });
    const begin = h('button', { type: 'button', click: () => anew() }, 'New chat');
    const anew = () => {
      work.stop();
      messages = [];
      list.replaceChildren();
      keep();
      status.textContent = '';
      text.focus();
    };
    sendByEnter(text, () => !work.isRunning && work.work());
    const form = workForm(work, labelled('Your message', text));
    form.querySelector('.buttons')?.append(begin);
    const settings = h(
      'details',
      {},
      h('summary', {}, 'Settings'),
      h('div', { class: 'row' }, temperature.element, most.element),
      labelled('What the model is told first', system),
    );
    root.classList.add('talk');
    root.append(h('div', { class: 'row' }, model.element, settings), log, form, status);
    return undefined;
  },
};
