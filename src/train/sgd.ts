/** Stochastic gradient descent, as in torch.optim.SGD. */
import { HeedError } from '../errors.js';
import { sgdStep } from '../ops/optimizer.js';
import type { Tensor } from '../tensor.js';
import { type Group, type Named, Optimizer, wrong } from './optimizer.js';

/** Options of SGD, with PyTorch's defaults. */
export interface SgdOptions {
  /** Learning rate. Default 0.001. */
  lr: number;
  /** Momentum: share of the previous steps that is kept. Default 0. */
  momentum: number;
  /** Share of a gradient that the momentum leaves out. Default 0. */
  dampening: number;
  /** `true` for Nesterov momentum (Sutskever et al. 2013). Default false. */
  nesterov: boolean;
  /** Weight decay: share of a parameter that is added to its gradient. Default 0. */
  weightDecay: number;
}

/** Stochastic gradient descent, with momentum where asked for. */
export class SGD extends Optimizer<SgdOptions> {
  constructor(groups: Named | readonly Group<SgdOptions>[], options: Partial<SgdOptions> = {}) {
    super(groups, options, { lr: 1e-3, momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 }, ['momentum']);
  }

  protected check({ momentum, dampening, nesterov }: SgdOptions, where: string): void {
    if (typeof nesterov !== 'boolean') throw wrong(where, 'nesterov', nesterov, 'It is true or false');
    if (nesterov && !(momentum > 0 && dampening === 0))
      throw new HeedError('ARGUMENT', `${where}: nesterov with a momentum of ${momentum} and a dampening of ${dampening}`, {
        culprit: 'nesterov',
        cure: 'It needs a momentum above 0, and no dampening',
      });
  }

  protected update(p: Tensor, g: Tensor, [m]: readonly Tensor[], options: SgdOptions, scale: number, step: number): void {
    sgdStep(p, options.momentum ? m : undefined, g, { ...options, scale, step });
  }
}
