/** Models that a command calls by names. */

/** A model's name and source: `NAME=MODEL`, or the last part of its path, or its name on the hub. */
export function namedModel(text: string): [name: string, source: string] {
  const [, name, source] = /^([\w.:-]+)=(.+)$/s.exec(text) ?? [];
  if (name !== undefined && source !== undefined) return [name, source];
  const isAddress = /^[a-z][a-z\d+.-]+:|^[./~\\]|\.gguf$/i.test(text);
  const own = isAddress ? (text.split(/[?#]/)[0]?.split(/[/\\]/).filter(Boolean).at(-1) ?? text) : text.replace(/@.*/s, '');
  return [own.replace(/\.gguf$/i, ''), text];
}
