/** examples/extension in a host with the interface of VS Code's, in a process of its own: what the command shows, where it goes, and how it ends. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createEngine, pipeline, semantic_search } from 'heed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { install, pack, root } from '../consumers/packed.js';

const model = join(root, 'test/fixtures/bert-tiny');
const lines = ['two dogs run', '', '  the rain falls', 'a cat'];

/** The editor's module, as far as the extension needs it: the person types a question, and takes the first line. */
const host = `
export const told = { reports: [], errors: [], items: [] };
export const settings = { model: '' };
export const person = { question: '', cancels: false };
const registered = new Map();
export const commands = { registerCommand: (name, run) => (registered.set(name, run), { dispose: () => registered.delete(name) }), executeCommand: (name) => registered.get(name)() };
export class Position { constructor(line, character) { Object.assign(this, { line, character }); } }
export class Range { constructor(start, end) { Object.assign(this, { start, end }); } }
export class Selection extends Range {}
export const ProgressLocation = { Notification: 15 };
export const workspace = { getConfiguration: () => ({ get: (name) => settings[name] }) };
export const window = {
  activeTextEditor: { document: { getText: () => ${JSON.stringify(lines.join('\n'))} }, revealRange: ({ start }) => { told.revealed = start.line; } },
  showInputBox: async () => person.question,
  showQuickPick: async (items) => { told.items = items; return items[0]; },
  showErrorMessage: (message) => void told.errors.push(message),
  withProgress: (_, run) => run({ report: ({ message }) => told.reports.push(message) }, { onCancellationRequested: (stop) => person.cancels && stop() }),
};`;

const session = `
import * as vscode from 'vscode';
import { activate, deactivate } from './extension.js';
const context = { subscriptions: [] };
activate(context);
const { told, settings, person } = vscode;
const answers = [];
async function ask(question, changes = {}) {
  Object.assign(person, { question, cancels: false }, changes);
  Object.assign(told, { errors: [], items: [], revealed: undefined });
  await vscode.commands.executeCommand('heed.find');
  answers.push({ errors: told.errors, items: told.items, revealed: told.revealed });
}
settings.model = '/nowhere/at-all';
await ask('a cat');
settings.model = ${JSON.stringify(model)};
await ask('a cat');
await ask('rain', { cancels: true });
await ask(undefined);
await ask('the rain falls');
for (const one of context.subscriptions) one.dispose();
await deactivate();
console.log(JSON.stringify({ answers, reports: told.reports.length }));`;

describe('the extension of examples/extension', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heed-extension-'));
  beforeAll(() => {
    cpSync(join(root, 'examples/extension'), folder, { recursive: true });
    install(pack(folder), folder);
    mkdirSync(join(folder, 'node_modules/vscode'));
    writeFileSync(join(folder, 'node_modules/vscode/package.json'), JSON.stringify({ type: 'module', main: 'index.js' }));
    writeFileSync(join(folder, 'node_modules/vscode/index.js'), host);
    writeFileSync(join(folder, 'session.js'), session);
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it('shows the nearest lines, goes to the one that is chosen, and leaves nothing running', async () => {
    // A thread that was left would keep the process from ending.
    const { stdout } = await promisify(execFile)(process.execPath, ['session.js'], { cwd: folder, timeout: 50_000 });
    const { answers, reports } = JSON.parse(stdout);
    const engine = await createEngine({ threads: 1 });
    const embed = await pipeline('feature-extraction', model, { engine });
    const texts = ['two dogs run', 'the rain falls', 'a cat'];
    const expected = async (question: string) => {
      const [hits] = semantic_search(await embed.encode([question]), await embed.encode(texts));
      return (hits ?? []).map(({ corpus_id, score }) => ({
        label: texts[corpus_id],
        description: score.toFixed(2),
        line: [0, 2, 3][corpus_id],
      }));
    };
    expect(answers[0]).toEqual({ errors: [expect.stringMatching(/\/nowhere\/at-all/)], items: [] });
    expect(answers[1]).toEqual({ errors: [], items: await expected('a cat'), revealed: 3 });
    expect(answers[2]).toEqual({ errors: [], items: [] });
    expect(answers[3]).toEqual({ errors: [], items: [] });
    expect(answers[4]).toEqual({ errors: [], items: await expected('the rain falls'), revealed: 2 });
    expect(reports).toBeGreaterThan(0);
    await engine.dispose();
  }, 60_000);
});
