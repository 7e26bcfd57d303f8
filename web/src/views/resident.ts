// The waterfall from nothing to resident memory, each step explained.
import { el, isShown } from '../dom';
import { formatBytes, formatMs } from '../model/format';
import { residentParts, type ResidentStep } from '../model/resident';
import type { State } from '../state';

type Moment = 'live' | 'resident' | 'end';

const moments: [Moment, string][] = [
  ['live', 'when most was live'],
  ['resident', 'when most was resident'],
  ['end', 'at the end'],
];

export class Resident {
  readonly element: HTMLElement;
  private readonly choice = el('select', { 'aria-label': 'Moment', change: () => this.show() });
  private readonly times = el('span', { class: 'quiet' });
  private readonly steps = el('div', {});

  constructor(private readonly state: State) {
    for (const [value, text] of moments) this.choice.append(el('option', { value }, text));
    this.element = el('div', {}, el('p', { class: 'tools' }, this.choice, this.times), this.steps);
    state.onChange((what) => {
      if (what === 'window' && isShown(this.element)) this.show();
    });
  }

  private momentMs(): number {
    const { report, steps } = this.state.recording;
    const { window } = this.state;
    const from = window ? window.from * report.step_ms! : 0;
    const isOpen = !window || window.to === steps - 1;
    const to = isOpen ? Number.POSITIVE_INFINITY : (window.to + 1) * report.step_ms!;
    const moment = this.choice.value as Moment;
    if (moment === 'end') return Math.min(to, report.length_ms);
    const points = moment === 'live' ? report.curve.live_bytes : report.curve.resident_bytes;
    const inside = points.filter(([ms]) => ms >= from && ms <= to);
    if (inside.length === 0) return Math.min(to, report.length_ms);
    return inside.reduce((most, point) => (point[1] > most[1] ? point : most))[0];
  }

  show() {
    const parts = residentParts(this.state.recording, this.momentMs());
    if (!parts) {
      this.times.textContent = '';
      this.steps.replaceChildren(
        el('p', {}, 'The process ended before its resident memory was looked at, ten times a second.'),
      );
      return;
    }
    const where = this.state.window ? 'in the window: ' : '';
    this.times.textContent = `${where}${formatMs(parts.atMs)}; resident as of ${formatMs(parts.sampledMs)}`;
    const most = Math.max(parts.resident, ...parts.steps.map((step) => step.to));
    const whole: ResidentStep = {
      kind: 'whole',
      name: 'Resident',
      bytes: parts.resident,
      from: 0,
      to: parts.resident,
      words: 'Memory of the process that the kernel keeps in RAM, shared pages included.',
    };
    this.steps.replaceChildren(...[...parts.steps, whole].map((step) => stepOf(step, most)));
  }
}

function stepOf(step: ResidentStep, most: number): HTMLElement {
  const from = (100 * step.from) / most;
  const wide = (100 * (step.to - step.from)) / most;
  return el(
    'div',
    { class: `step ${step.kind}` },
    el('h3', {}, step.name, el('span', {}, formatBytes(step.bytes))),
    el(
      'div',
      { class: 'track', 'aria-hidden': 'true' },
      el('i', { style: `left: ${from.toFixed(2)}%; width: ${wide.toFixed(2)}%` }),
    ),
    el('p', { class: 'quiet' }, step.words),
  );
}
