/** Gradients of a loss against its derivatives: a step along a parameter's gradient changes the loss by the gradient's norm. */
import { expect } from 'vitest';
import type { Engine } from '../../dist/entry/node.js';
import type { Parameter } from '../../dist/nn/parameter.js';
import { valueAndGrad } from '../../dist/ops/index.js';
import type { Tensor } from '../../dist/tensor.js';

/** Expects it of each parameter, by central differences of `step`, up to a share of `within`; parameters with norms below `least` are left out. */
export function expectDerivatives(
  engine: Engine,
  parameters: Iterable<readonly [name: string, parameter: Parameter]>,
  lossTensor: () => Tensor,
  { step = 2e-3, within = 0.03, least = 3e-3 } = {},
): void {
  const loss = () => engine.scope(() => lossTensor().toHost().data[0] as number);
  valueAndGrad(engine, lossTensor);
  for (const [name, parameter] of parameters) {
    const gradient = parameter.grad?.toHost().data as Float32Array;
    expect(gradient, name).toBeDefined();
    const norm = Math.sqrt(gradient.reduce((all, g) => all + g * g, 0));
    // Keys' biases change no softmax.
    if (norm < least) continue;
    const value = engine.heap.floats(parameter.value.ptr, gradient.length);
    const before = value.slice();
    const at = (along: number) => {
      for (let i = 0; i < value.length; i++) value[i] = (before[i] as number) + (along * (gradient[i] as number)) / norm;
      return loss();
    };
    const derivative = (at(step) - at(-step)) / (2 * step);
    value.set(before);
    expect(Math.abs(derivative / norm - 1), `${name}: ${derivative} for ${norm}`).toBeLessThan(within);
  }
}
