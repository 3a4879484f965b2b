/** Pictures that tests draw: attentions of any shape whose weights can be told apart. */
import type { AttentionPicture } from '../../dist/pictures/index.js';
import { HostTensor } from '../../dist/tensor.js';

/** One tensor per layer, [1, H, T, S]; each row sums to 1. */
export function attentions(L: number, H: number, T: number, S: number): HostTensor[] {
  return Array.from({ length: L }, (_, l) => {
    const data = new Float32Array(H * T * S);
    for (let row = 0; row < H * T; row++) {
      const raw = Array.from({ length: S }, (_, j) => 1 + ((row * 7 + j * 3 + l * 5) % 11));
      const sum = raw.reduce((a, b) => a + b);
      data.set(
        raw.map((x) => x / sum),
        row * S,
      );
    }
    return new HostTensor('float32', data, [1, H, T, S]);
  });
}

/** A translator's three groups: 2 layers of 3 heads, with tokens of many scripts and intentions. */
export function translation(): AttentionPicture {
  const source = ['<2zh>', '▁I', '</script><b>x</b>', '<!--', '\u202eevil', 'שלום', '👩‍👩‍👧', '\n', '</s>'];
  const target = ['<s>', '我', '爱', '"&amp;'];
  const [S, T] = [source.length, target.length];
  return {
    title: 'I <i>love</i> </title></script><script>document.title = "pwned"</script>',
    note: '我爱音乐 & "you"',
    source,
    target,
    attentions: { encoder: attentions(2, 3, S, S), decoder: attentions(2, 3, T, T), cross: attentions(2, 3, T, S) },
  };
}
