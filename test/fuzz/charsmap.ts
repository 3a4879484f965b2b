/** A small precompiled_charsmap, by the format's definition: a double array (Aoe 1989) over UTF-8, each node's children in 256 units of their own, and the texts. */
export function charsmapOf(map: Readonly<Record<string, string>>): string {
  interface Node {
    readonly next: Map<number, Node>;
    text?: number;
  }
  const encoder = new TextEncoder();
  const root: Node = { next: new Map() };
  let texts = '';
  for (const [key, text] of Object.entries(map)) {
    let node = root;
    for (const byte of encoder.encode(key)) {
      const next: Node = node.next.get(byte) ?? { next: new Map() };
      node.next.set(byte, next);
      node = next;
    }
    node.text = encoder.encode(texts).length;
    texts += `${text}\0`;
  }
  const units: number[] = [];
  let bases = 0;
  const place = (node: Node, at: number, label: number) => {
    const base = 256 * ++bases;
    units[at] = (((at ^ base) << 10) | (node.text === undefined ? 0 : 256) | label) >>> 0;
    if (node.text !== undefined) units[base] = (node.text | 0x80000000) >>> 0;
    for (const [byte, next] of node.next) place(next, base ^ byte, byte);
  };
  place(root, 0, 0);
  const trie = Uint32Array.from({ length: 256 * (bases + 1) }, (_, i) => units[i] ?? 0);
  const length = new Uint8Array(Uint32Array.of(4 * trie.length).buffer);
  return Buffer.concat([length, new Uint8Array(trie.buffer), encoder.encode(texts)]).toString('base64');
}
