// Live bytes of two recordings over time, each from its own start.
import uPlot from 'uplot';
import { cssColour, el } from '../dom';
import { changeWords, type DiffReport } from '../model/difference';
import { formatBytes, formatMs } from '../model/format';
import { columnsOfPoints, curve, curveOptions, lastOf, livePoints, stepped } from './curves';

export class DiffTimeLine {
  readonly element: HTMLElement;
  private readonly plotBox = el('div', { class: 'plot', role: 'img' });
  private readonly moment = el('span', {}); // what is below the pointer
  private plot: uPlot | null = null;

  constructor(private readonly report: DiffReport) {
    const legend = el(
      'span',
      { class: 'legend', 'aria-hidden': 'true' },
      el('span', { class: 'live' }, 'live in this'),
      el('span', { class: 'resident' }, 'live in the other'),
    );
    const under = el('p', { class: 'under' }, legend, this.moment);
    this.element = el('section', { class: 'time-line', 'aria-label': 'Time line' }, this.plotBox, under);
    const { this: here, other } = report;
    const peaks = { here: here.summary.at_peak.bytes, other: other.summary.at_peak.bytes };
    const words = `Live bytes of both over time, at most: ${changeWords(peaks, 'bytes')}`;
    this.plotBox.setAttribute('aria-label', words);
    new ResizeObserver(() => this.draw()).observe(this.plotBox);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
  }

  private draw() {
    const width = this.plotBox.clientWidth;
    if (width === 0) return;
    this.plot?.destroy();
    const { this: here, other } = this.report;
    const series = [
      curve('this', '--live', { paths: stepped(), fill: cssColour('--live-fill') }),
      curve('other', '--resident', { paths: stepped(), dash: [5, 3] }),
    ];
    const length = Math.max(here.length_ms, other.length_ms);
    const options = curveOptions(width, length, series, {
      setCursor: [(plot) => this.showMoment(plot)],
    });
    const tables = [here, other].map((facts) => columnsOfPoints(livePoints(facts)));
    this.plot = new uPlot(options, uPlot.join(tables), this.plotBox);
  }

  private showMoment(plot: uPlot) {
    const at = plot.cursor.idx;
    if (at === null || at === undefined || plot.cursor.left! < 0) {
      this.moment.textContent = '';
      return;
    }
    const [here, other] = [lastOf(plot, 1, at) ?? 0, lastOf(plot, 2, at) ?? 0];
    this.moment.textContent =
      `${formatMs(plot.data[0][at])} · ${formatBytes(here)} live in this · ` +
      `${formatBytes(other)} in the other`;
  }
}
