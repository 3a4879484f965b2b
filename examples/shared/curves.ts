/** Learning curves: every step's loss, on a scale of powers of ten, and the share of held-back examples that are right. */
import { axisBottom, axisLeft, axisRight } from 'd3-axis';
import { scaleLinear, scaleLog } from 'd3-scale';
import { type Selection, select } from 'd3-selection';

type Point = readonly [step: number, value: number];

const [WIDTH, HEIGHT] = [560, 300];
const edge = { top: 8, right: 44, bottom: 24, left: 44 };
const [bottom, right] = [HEIGHT - edge.bottom, WIDTH - edge.right];

export class Curves {
  readonly #losses: Point[] = [];
  readonly #shares: Point[] = [];
  readonly #svg: Selection<SVGSVGElement, unknown, null, undefined>;
  readonly #x;
  readonly #loss;
  readonly #share = scaleLinear([0, 1], [bottom, edge.top]);

  /** `least`: the smallest loss that is shown. */
  constructor(svg: SVGSVGElement, steps: number, least = 1e-4) {
    this.#loss = scaleLog([least, 10], [bottom, edge.top]).clamp(true);
    this.#x = scaleLinear([0, steps], [edge.left, right]);
    this.#svg = select(svg).attr('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    const axis = (x: number, y: number) => this.#svg.append('g').attr('transform', `translate(${x},${y})`);
    axis(0, bottom).call(axisBottom(this.#x).ticks(6).tickSizeOuter(0));
    axis(edge.left, 0).call(
      axisLeft(this.#loss)
        .tickValues([1e-4, 1e-3, 1e-2, 0.1, 1, 10].filter((loss) => loss >= least))
        .tickFormat(String)
        .tickSizeOuter(0),
    );
    axis(right, 0).call(axisRight(this.#share).ticks(5, '%').tickSizeOuter(0));
    for (const name of ['loss', 'share']) this.#svg.append('path').attr('class', name);
  }

  addLoss(step: number, value: number): void {
    this.#losses.push([step, value]);
    this.#draw('loss', this.#losses, this.#loss);
  }

  addShare(step: number, value: number): void {
    this.#shares.push([step, value]);
    this.#draw('share', this.#shares, this.#share);
  }

  #draw(name: string, points: readonly Point[], y: (value: number) => number): void {
    const at = points.map(([step, value]) => `${this.#x(step).toFixed(1)},${y(value).toFixed(1)}`);
    this.#svg.select(`path.${name}`).attr('d', `M${at.join('L')}`);
  }
}
