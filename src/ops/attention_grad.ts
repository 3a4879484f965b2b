/** The gradients of attention: what assembly/attention_grad.ts needs, laid out, and its kernels in their order. */
import type { Gradient } from '../autograd/tape.js';
import { PANEL, Tensor } from '../tensor.js';
import { type Attended, asFour, type Four, panelsOf, QUERIES, rowsOf, SCORES, WORDS } from './attention_layout.js';
import { sumTo } from './sum_to.js';

/** Gradients of q, k, v and the mask, whose own shapes these are. */
export function attentionGrad(at: Attended, shapes: readonly (readonly number[] | undefined)[]): Gradient {
  return (dyGiven, [wantsQ, wantsK, wantsV, wantsBias]) => {
    const { engine } = at.q;
    const [B, H, T, D] = at.q.shape as Four;
    const [, G, S, Dv] = at.v.shape as Four;
    const make = (wants: boolean | undefined, i: number, inner: readonly number[]) => {
      if (!wants) return undefined;
      const made = Tensor.empty(engine, inner);
      // Without a key, a query or a channel of the values there is no tile to write to it.
      if (B * H * T * S * Dv === 0) engine.launch('fill_f32', Math.ceil(made.size / 1024), made.size, [made.ptr, made.size, 0]);
      return { made, shape: shapes[i] as readonly number[] };
    };
    const dq = make(wantsQ, 0, [B, T, H, D]);
    // One kernel makes both.
    const [dk, dv] = [make(wantsK || wantsV, 1, [B, S, G, D]), make(wantsK || wantsV, 2, [B, S, G, Dv])];
    const dbias = make(wantsBias, 3, [B, H, T, S]);
    if (B * H * T * S * Dv > 0) {
      const dy = rowsOf(asFour(dyGiven, 'dy'));
      const rows = engine.allocate(B * H * 3 * Math.ceil(T / 4) * 16).ptr;
      const args = [rows, (at.stats as Tensor).ptr, at.y.ptr, dy.ptr, H, T, Dv, ...steps(at.y), ...steps(dy)];
      engine.launch('attention_grad_rows_f32', B * H, 2 * B * H * T * Dv, args);
      if (dq || dbias) gradOfQueries(at, dy, rows, (dq?.made ?? Tensor.empty(engine, [B, T, H, D])).ptr, dbias?.made.ptr ?? 0);
      if (dk && dv) gradOfKeys(at, dy, rows, dk.made.ptr, dv.made.ptr);
    }
    return [dq && heads(dq), dk && heads(dk), dv && heads(dv), dbias && sumTo(dbias.made, dbias.shape)];
  };
}

/** [B, T, H, D] under the shape of the tensor that it is the gradient of: [B, H, T, D], or one with no axis of heads. */
function heads({ made, shape }: { made: Tensor; shape: readonly number[] }): Tensor {
  const [b, t, h, d] = made.strides as Four;
  return shape.length === 4 ? made.view(shape, [b, h, t, d]) : made.view(shape);
}

const steps = (x: Tensor): number[] => x.strides.slice(0, 3);

const wide = (C: number): number => Math.ceil(C / PANEL) * PANEL;

/** What both kernels get last, up to the strides. */
const masks = ({ bias, lengths, slopes, mask }: Attended): number[] => [bias, lengths, slopes, mask].map((x) => x?.ptr ?? 0);

function gradOfQueries(at: Attended, dy: Tensor, rows: number, dq: number, dbias: number): void {
  const [B, H, T, D] = at.q.shape as Four;
  const [, G, S, Dv] = at.v.shape as Four;
  const ends = [...steps(at.q), ...steps(dy), ...(at.bias ? steps(at.bias) : [0, 0, 0]), ...at.reach];
  const operands = [dq, dbias, rows, at.q.ptr, dy.ptr, panelsOf(at.k), panelsOf(at.k, true), panelsOf(at.v)];
  const work = 2 * B * H * T * S * (2 * D + Dv + 16);
  const args = [...operands, ...masks(at), H, G, T, S, D, Dv, ...ends];
  at.q.engine.launch('attention_grad_q_f32', B * H * Math.ceil(T / QUERIES), work, args, 2 * SCORES + QUERIES * wide(D) * 4 + WORDS);
}

function gradOfKeys(at: Attended, dy: Tensor, rows: number, dk: number, dv: number): void {
  const [B, H, T, D] = at.q.shape as Four;
  const [, G, S, Dv] = at.v.shape as Four;
  const [k, v] = [rowsOf(at.k), rowsOf(at.v)];
  const ends = [...steps(k), ...steps(v), ...(at.bias ? steps(at.bias) : [0, 0, 0]), ...at.reach];
  const operands = [dk, dv, rows, k.ptr, v.ptr, panelsOf(at.q), panelsOf(at.q, true), panelsOf(dy), panelsOf(dy, true)];
  const work = 4 * B * H * T * S * (D + Dv + 8);
  const args = [...operands, ...masks(at), H, G, T, S, D, Dv, ...ends];
  const scratch = 2 * SCORES + 512 + WORDS + QUERIES * (wide(D) + wide(Dv)) * 4;
  at.q.engine.launch('attention_grad_kv_f32', B * G * Math.ceil(S / QUERIES), work, args, scratch);
}
