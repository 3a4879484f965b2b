/** The gradients of attention: operands as assembly/attention_grad.ts reads them, and its kernels in their order. */
import type { Gradient } from '../autograd/tape.js';
import * as kernels from '../engine/kernels.generated.js';
import { KEYS, QUERIES, SCORES, WORDS } from '../engine/kernels.generated.js';
import type { Pointer } from '../engine/launch.js';
import { Tensor } from '../tensor.js';
import { type Attended, asFour, type Four, panelsOf, rowsOf, shared, wide } from './attention_layout.js';
import { fill } from './shape.js';
import { sumTo } from './sum_to.js';

/** Returns the gradient function of attention, for q, k, v and the mask, of the given `shapes`. */
export function attentionGrad(at: Attended, shapes: readonly (readonly number[] | undefined)[]): Gradient {
  return (dyGiven, [wantsQ, wantsK, wantsV, wantsBias]) => {
    const { engine } = at.q;
    const [B, H, T, D] = at.q.shape as Four;
    const [, G, S, Dv] = at.v.shape as Four;
    const make = (wants: boolean | undefined, i: number, inner: readonly number[]) => {
      if (!wants) return undefined;
      const made = Tensor.empty(engine, inner);
      // Without a key, a query or a channel of the values there is no tile to write the gradient.
      if (B * H * T * S * Dv === 0) fill(made, 0);
      return { made, shape: shapes[i] as readonly number[] };
    };
    const dq = make(wantsQ, 0, [B, T, H, D]);
    // One kernel computes both dk and dv.
    const [dk, dv] = [make(wantsK || wantsV, 1, [B, S, G, D]), make(wantsK || wantsV, 2, [B, S, G, Dv])];
    const dbias = make(wantsBias, 3, [B, H, T, S]);
    if (B * H * T * S * Dv > 0) {
      const [dy, k, v] = [rowsOf(asFour(dyGiven, 'dy')), rowsOf(at.k), rowsOf(at.v)];
      const rows = engine.allocate(B * H * 3 * Math.ceil(T / 4) * 16).ptr;
      const told = shared(at, { B, G, S, D, Dv });
      gradOfRows(at, dy, rows, told);
      if (dq || dbias) gradOfQueries(at, dy, rows, told, (dq?.made ?? Tensor.empty(engine, [B, T, H, D])).ptr, dbias?.made.ptr ?? 0);
      if (dk && dv) gradOfKeys({ ...at, k, v }, dy, rows, told, dk.made.ptr, dv.made.ptr);
    }
    return [dq && heads(dq), dk && heads(dk), dv && heads(dv), dbias && sumTo(dbias.made, dbias.shape)];
  };
}

/** Views a gradient [B, T, H, D] in the shape of its tensor: [B, H, T, D], or a shape without an axis of heads. */
function heads({ made, shape }: { made: Tensor; shape: readonly number[] }): Tensor {
  const [b, t, h, d] = made.strides as Four;
  return shape.length === 4 ? made.view(shape, [b, h, t, d]) : made.view(shape);
}

type Told = Pointer<'Attention'>;

function gradOfRows({ q, y, v, stats }: Attended, dy: Tensor, rows: number, at: Told): void {
  const [B, H, T] = q.shape as Four;
  const [ob, oh, ot] = dy.strides as Four;
  const [tiles, work, ml] = [B * H, 2 * B * H * T * v.dim(3), (stats as Tensor).ptr];
  q.engine.launch(kernels.attention_grad_rows_f32({ tiles, work, rows, stats: ml, y: y.ptr, dy: dy.ptr, ob, oh, ot, at }));
}

function gradOfQueries(of: Attended, up: Tensor, rows: number, at: Told, dq: number, dbias: number): void {
  const [B, H, T, D] = of.q.shape as Four;
  const [, , S, Dv] = of.v.shape as Four;
  const [tiles, work] = [B * H * Math.ceil(T / QUERIES), 2 * B * H * T * S * (2 * D + Dv + 16)];
  const scratch = 2 * SCORES + KEYS * 4 + QUERIES * wide(D) * 4 + WORDS;
  const [q, dy, scale, cap] = [of.q.ptr, up.ptr, of.scale, of.cap];
  const [k, k_columns, v] = [panelsOf(of.k), panelsOf(of.k, true), panelsOf(of.v)];
  const [ob, oh, ot] = up.strides as Four;
  const operands = { tiles, work, scratch, dq, dbias, rows, q, dy, k, k_columns, v, ob, oh, ot, scale, cap, at };
  of.q.engine.launch(kernels.attention_grad_q_f32(operands));
}

function gradOfKeys(of: Attended, up: Tensor, rows: number, at: Told, dk: number, dv: number): void {
  const [B, H, T, D] = of.q.shape as Four;
  const [, G, S, Dv] = of.v.shape as Four;
  const [tiles, work] = [B * G * Math.ceil(S / QUERIES), 4 * B * H * T * S * (D + Dv + 8)];
  const scratch = 2 * SCORES + 2 * KEYS * 4 + QUERIES * (wide(D) + wide(Dv)) * 4 + WORDS;
  const [k, v, scale, cap] = [of.k.ptr, of.v.ptr, of.scale, of.cap];
  const [q, q_columns, dy, dy_columns] = [panelsOf(of.q), panelsOf(of.q, true), panelsOf(up), panelsOf(up, true)];
  const [kb, kh, ks] = of.k.strides as Four;
  const [vb, vh, vs] = of.v.strides as Four;
  const operands = { tiles, work, scratch, dk, dv, rows, k, v, q, q_columns, dy, dy_columns, kb, kh, ks, vb, vh, vs, scale, cap, at };
  of.q.engine.launch(kernels.attention_grad_kv_f32(operands));
}
