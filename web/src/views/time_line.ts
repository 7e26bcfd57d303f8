// Live and resident bytes over time. A stretch of it that is dragged over becomes the window of all views;
// two handles below it do the same by keyboard.
import uPlot from 'uplot';
import { cssColour, el } from '../dom';
import { liveBySteps } from '../model/figures';
import { formatBytes, formatMs } from '../model/format';
import type { State } from '../state';
import { columnsOfPoints, curve, curveOptions, lastOf, livePoints, stepped } from './curves';

export class TimeLine {
  readonly element: HTMLElement;
  private readonly plotBox = el('div', { class: 'plot', role: 'img' });
  private readonly shade = el('div', { class: 'window' });
  private readonly from: HTMLInputElement;
  private readonly to: HTMLInputElement;
  private readonly handles: HTMLElement;
  private readonly moment = el('span', {}); // what is below the pointer
  private readonly words = el('span', {});
  private readonly whole: HTMLButtonElement;
  private plot: uPlot | null = null;
  private dragFrom: number | null = null;

  constructor(private readonly state: State) {
    const handle = (label: string) =>
      el('input', {
        type: 'range',
        min: 0,
        max: Math.max(0, state.recording.steps - 1),
        'aria-label': label,
        input: () => this.takeHandles(),
      });
    this.from = handle('Window from');
    this.to = handle('Window to');
    this.handles = el('div', { class: 'handles' }, this.from, this.to);
    this.whole = el('button', { type: 'button', click: () => state.setWindow(null) }, 'Whole recording');
    const legend = el(
      'span',
      { class: 'legend', 'aria-hidden': 'true' },
      el('span', { class: 'live' }, 'live'),
      el('span', { class: 'resident' }, 'resident'),
      el('span', { class: 'filtered' }, 'live, of the filter'),
    );
    this.element = el(
      'section',
      { class: 'time-line', 'aria-label': 'Time line' },
      this.plotBox,
      state.recording.steps > 1 ? this.handles : null,
      el(
        'p',
        { class: 'under' },
        legend,
        el('span', { class: 'window-words' }, this.moment, this.words, this.whole),
      ),
    );
    new ResizeObserver(() => this.draw()).observe(this.plotBox);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
    state.onChange((what) => {
      if (what === 'filter') this.draw();
      if (what === 'window') this.showWindow();
    });
  }

  private get stepMs() {
    return this.state.recording.report.step_ms ?? 1;
  }

  private data(): uPlot.AlignedData {
    const { recording, matches } = this.state;
    const { curve: curves, length_ms: length } = recording.report;
    const tables = [livePoints(recording.report), curves.resident_bytes].map(columnsOfPoints);
    const filtered = matches ? [...liveBySteps(recording, matches.stacks)] : [];
    tables.push([filtered.map((_, step) => Math.min(length, (step + 1) * this.stepMs)), filtered]);
    return uPlot.join(tables);
  }

  private options(width: number): uPlot.Options {
    const series = [
      curve('live', '--live', { paths: stepped(), fill: cssColour('--live-fill') }),
      curve('resident', '--resident', { dash: [5, 3] }),
      curve('filtered', '--accent', { paths: stepped() }),
    ];
    return curveOptions(width, this.state.recording.report.length_ms, series, {
      ready: [(plot) => this.placeHandles(plot)],
      setCursor: [(plot) => this.showMoment(plot)],
    });
  }

  private draw() {
    const width = this.plotBox.clientWidth;
    if (width === 0) return;
    this.plot?.destroy();
    this.plot = new uPlot(this.options(width), this.data(), this.plotBox);
    this.plot.over.append(this.shade);
    this.listen(this.plot.over);
    const { summary, length_ms: length } = this.state.recording.report;
    this.plotBox.setAttribute(
      'aria-label',
      `Live bytes over ${formatMs(length)}: at most ${formatBytes(summary.at_peak.bytes)}, ` +
        `${formatBytes(summary.at_end.bytes)} at the end`,
    );
    this.element.classList.toggle('has-filter', this.state.matches !== null);
    this.showWindow();
  }

  // Below the ends of the plot's own field.
  private placeHandles({ over, width }: uPlot) {
    this.handles.style.marginLeft = `${over.offsetLeft - 8}px`;
    this.handles.style.marginRight = `${width - over.offsetLeft - over.clientWidth - 8}px`;
    this.showWindow();
  }

  private stepAt(x: number): number {
    const ms = this.plot!.posToVal(x, 'x');
    return Math.max(0, Math.min(this.state.recording.steps - 1, Math.floor(ms / this.stepMs)));
  }

  private listen(over: HTMLElement) {
    if (this.state.recording.steps < 2) return;
    const across = (event: PointerEvent) => event.clientX - over.getBoundingClientRect().left;
    over.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      over.setPointerCapture(event.pointerId);
      this.dragFrom = across(event);
    });
    over.addEventListener('pointermove', (event) => {
      if (this.dragFrom === null || Math.abs(across(event) - this.dragFrom) < 4) return;
      const ends = [this.stepAt(this.dragFrom), this.stepAt(across(event))];
      this.state.setWindow({ from: Math.min(...ends), to: Math.max(...ends) });
    });
    over.addEventListener('pointerup', (event) => {
      if (this.dragFrom !== null && Math.abs(across(event) - this.dragFrom) < 4) this.state.setWindow(null);
      this.dragFrom = null;
    });
    over.addEventListener('pointercancel', () => (this.dragFrom = null));
  }

  private takeHandles() {
    const ends = [this.from.valueAsNumber, this.to.valueAsNumber];
    const window = { from: Math.min(...ends), to: Math.max(...ends) };
    const isWhole = window.from === 0 && window.to === this.state.recording.steps - 1;
    this.state.setWindow(isWhole ? null : window);
  }

  private showWindow() {
    const { window, recording } = this.state;
    const from = window?.from ?? 0;
    const to = window?.to ?? recording.steps - 1;
    const length = recording.report.length_ms;
    const isLast = to === recording.steps - 1;
    const ms = [from * this.stepMs, isLast ? length : Math.min((to + 1) * this.stepMs, length)];
    if (document.activeElement !== this.from) this.from.value = String(from);
    if (document.activeElement !== this.to) this.to.value = String(to);
    this.from.setAttribute('aria-valuetext', formatMs(ms[0]));
    this.to.setAttribute('aria-valuetext', formatMs(ms[1]));
    this.shade.hidden = window === null;
    this.whole.hidden = window === null;
    if (window && this.plot) {
      const [left, right] = ms.map((at) => this.plot!.valToPos(at, 'x'));
      this.shade.style.left = `${left}px`;
      this.shade.style.width = `${Math.max(2, right - left)}px`;
    }
    this.words.textContent = window ? `Window: ${formatMs(ms[0])} to ${formatMs(ms[1])}` : '';
    this.showHint();
  }

  private showHint() {
    const canDrag = this.state.recording.steps > 1 && this.state.window === null;
    this.moment.textContent = canDrag ? 'Drag over the curve to look at a part of it' : '';
  }

  private showMoment(plot: uPlot) {
    const at = plot.cursor.idx;
    if (at === null || at === undefined || plot.cursor.left! < 0) {
      this.showHint();
      return;
    }
    const [live, resident, filtered] = [1, 2, 3].map((series) => lastOf(plot, series, at));
    const parts = [formatMs(plot.data[0][at])];
    if (live !== null) parts.push(`${formatBytes(live)} live`);
    if (resident !== null) parts.push(`${formatBytes(resident)} resident`);
    if (filtered !== null) parts.push(`${formatBytes(filtered)} of the filter`);
    this.moment.textContent = parts.join(' · ');
  }
}
