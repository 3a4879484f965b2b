/** An extension of an editor: the command `heed.find` goes to the line of the document that is nearest in meaning to what one types. Texts leave the machine for nobody. */
import { createEngine, pipeline, semantic_search } from 'heed';
import * as vscode from 'vscode';

let loading;

/** The model: loaded at the first search, so that the editor starts as fast as without it. After a failure the next search tries again. */
function model(progress) {
  loading ??= (async () => {
    // The host has one thread for all extensions: the model works in others, and the host waits for them.
    const engine = await createEngine({ inlineBelow: 0 });
    const name = vscode.workspace.getConfiguration('heed').get('model');
    const progress_callback = ({ status, progress: percent }) =>
      status === 'progress_total' && progress.report({ message: `Loading the model, ${Math.round(percent)} %` });
    try {
      return { engine, embed: await pipeline('feature-extraction', name, { engine, progress_callback }) };
    } catch (error) {
      await engine.dispose();
      throw error;
    }
  })().catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function find() {
  const editor = vscode.window.activeTextEditor;
  const question = editor && (await vscode.window.showInputBox({ prompt: 'What is the line about?' }));
  if (!question) return;
  const lines = editor.document
    .getText()
    .split('\n')
    .map((text, line) => ({ text: text.trim(), line }));
  const known = lines.filter(({ text }) => text);
  if (!known.length) return;
  const options = { location: vscode.ProgressLocation.Notification, title: 'Lines by meaning', cancellable: true };
  try {
    const hits = await vscode.window.withProgress(options, async (progress, token) => {
      const stop = new AbortController();
      token.onCancellationRequested(() => stop.abort());
      const { embed } = await model(progress);
      const onProgress = (done, all) => progress.report({ message: `${done} of ${all} lines` });
      const corpus = await embed.encode(
        known.map(({ text }) => text),
        { signal: stop.signal, onProgress },
      );
      return semantic_search(await embed.encode([question], { signal: stop.signal }), corpus, { top_k: 10 })[0];
    });
    const items = hits.map(({ corpus_id, score }) => ({
      label: known[corpus_id].text,
      description: score.toFixed(2),
      line: known[corpus_id].line,
    }));
    const chosen = await vscode.window.showQuickPick(items);
    if (!chosen) return;
    const at = new vscode.Position(chosen.line, 0);
    editor.selection = new vscode.Selection(at, at);
    editor.revealRange(new vscode.Range(at, at));
  } catch (error) {
    if (error.name !== 'AbortError') vscode.window.showErrorMessage(error.message);
  }
}

/** Called by the editor when the command is first used. */
export function activate(context) {
  context.subscriptions.push(vscode.commands.registerCommand('heed.find', find));
}

/** Called by the editor when it ends: frees the threads and the memory. */
export async function deactivate() {
  await (await loading?.catch(() => undefined))?.engine.dispose();
  loading = undefined;
}
