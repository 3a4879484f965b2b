/** Adam (Kingma and Ba, arXiv 1412.6980) and AdamW (Loshchilov and Hutter, arXiv 1711.05101), as in torch.optim. */
import { HeedError } from '../errors.js';
import { adamStep } from '../ops/optimizer.js';
import type { Tensor } from '../tensor.js';
import { type Group, type Named, Optimizer } from './optimizer.js';

/** Options of Adam and AdamW, with PyTorch's defaults. */
export interface AdamOptions {
  /** Learning rate. Default 0.001. */
  lr: number;
  /** Decay rates of the running means of gradients and of squared gradients. Default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Constant that is added to the root of the mean of squares. Default 1e-8. */
  eps: number;
  /** Weight decay: Adam adds it through the gradient, default 0; AdamW shrinks parameters by lr times the weight decay, default 0.01. */
  weightDecay: number;
}

const adamDefaults = (weightDecay: number): AdamOptions => ({ lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay });

abstract class AdamBase extends Optimizer<AdamOptions> {
  /** `true` where weight decay is decoupled from the gradient (AdamW). */
  protected abstract readonly decoupled: boolean;

  protected check({ betas }: AdamOptions, where: string): void {
    if (!(Array.isArray(betas) && betas.length === 2 && betas.every((beta) => typeof beta === 'number' && beta >= 0 && beta < 1)))
      throw new HeedError('ARGUMENT', `${where}: betas are ${betas}`, {
        culprit: 'betas',
        cure: 'They are two numbers from 0 on, below 1',
      });
  }

  protected update(p: Tensor, g: Tensor, [m, v]: readonly Tensor[], options: AdamOptions, scale: number, step: number): void {
    const { lr, betas, eps, weightDecay } = options;
    const [beta1, beta2] = betas;
    adamStep(p, m as Tensor, v as Tensor, g, { scale, lr, beta1, beta2, eps, weightDecay, decoupled: this.decoupled, step });
  }
}

/** Adam (arXiv 1412.6980). */
export class Adam extends AdamBase {
  /** Weight decay goes through the gradient. */
  protected readonly decoupled = false;
  constructor(groups: Named | readonly Group<AdamOptions>[], options: Partial<AdamOptions> = {}) {
    super(groups, options, adamDefaults(0), ['m', 'v']);
  }
}

/** Adam with decoupled weight decay (arXiv 1711.05101). */
export class AdamW extends AdamBase {
  /** Weight decay is applied apart from the gradient. */
  protected readonly decoupled = true;
  constructor(groups: Named | readonly Group<AdamOptions>[], options: Partial<AdamOptions> = {}) {
    super(groups, options, adamDefaults(0.01), ['m', 'v']);
  }
}
