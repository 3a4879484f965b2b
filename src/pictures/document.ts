/**
 * The page around the data: its head, its policy, and the elements that its script fills. Only the script and the style whose hashes the policy names can run or
 * load, so that a token which looks like HTML stays a token even to a browser that disagrees with the escaping here.
 */
import { assets } from './assets.js';
import type { PageData } from './codes.js';
import { controls, explorer } from './markup.js';

const named: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (letter) => named[letter] as string);

/** JSON inside a script element, which ends at `</script` and changes at `<!--`; half a surrogate pair would not survive UTF-8. */
const jsonOf = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');

const policy = [
  "default-src 'none'",
  `script-src 'sha256-${assets.script.sha256}'`,
  `style-src 'sha256-${assets.style.sha256}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

export const document = (title: string, note: string, data: PageData): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="heed">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escaped(title)}</title>
<style>${assets.style.text}</style>
</head>
<body>
<header>
  <h1 dir="auto">${escaped(title)}</h1>
  <p class="note" dir="auto">${escaped(note)}</p>
  ${controls}
</header>
<main class="explorer">
${explorer}
</main>
<noscript>This page draws with JavaScript, which is switched off here.</noscript>
<script type="application/json" id="data">${jsonOf(data)}</script>
<script>${assets.script.text}</script>
</body>
</html>
`;
