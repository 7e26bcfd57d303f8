// The head of the page: what was recorded, and its figures.
import { el } from '../dom';
import { formatBytes, formatCount, formatMs } from '../model/format';
import type { Facts, Recording } from '../model/report';

export function notes(report: Facts): string[] {
  const made: string[] = [];
  if (report.sample_bytes) {
    made.push(
      `A sample, one block each ${formatBytes(report.sample_bytes)} on average: all figures are ` +
        'estimates, good where there are hundreds of samples.',
    );
  }
  if (!report.is_complete) made.push('The recording stopped before the program ended.');
  if (report.is_cut) made.push('The file ends in the middle of something; what is before it is shown.');
  if (report.is_rolled_up) {
    made.push('The file reached its limit: from there on it has sums in place of events.');
  }
  const lost = Object.entries(report.lost).filter(([, count]) => count > 0);
  if (lost.length > 0) {
    made.push(`Not recorded: ${lost.map(([what, count]) => `${formatCount(count)} ${what}`).join(', ')}.`);
  }
  if (report.summary.unknown_frees > 0) {
    made.push(`${formatCount(report.summary.unknown_frees)} frees of blocks that were allocated before.`);
  }
  return made;
}

// Where the page is served, another process is another page.
export function processChoice(report: Facts): HTMLElement | null {
  if (report.processes.length < 2) return null;
  const isServed = location.protocol.startsWith('http');
  const go = (event: Event) =>
    location.assign(`/?process=${(event.target as HTMLSelectElement).value}`);
  const choice = el('select', { 'aria-label': 'Process', disabled: !isServed, change: go });
  for (const one of report.processes) {
    const name = one.command.join(' ') || one.executable;
    const text = `${one.number}: ${name.slice(0, 60)} (${formatBytes(one.peak_bytes)} at peak)`;
    choice.append(el('option', { value: one.number, selected: one.number === report.process }, text));
  }
  const hint = isServed ? null : el('span', { class: 'quiet' }, ' --process NUMBER shows another');
  return el('p', { class: 'process' }, 'Process ', choice, hint);
}

export function summaryView(recording: Recording): HTMLElement {
  const { report } = recording;
  const { summary } = report;
  const figure = (label: string, value: string, more: string) =>
    el('div', { class: 'figure' }, el('dt', {}, label), el('dd', {}, value, el('small', {}, more)));
  const blocks = (count: number) => `${formatCount(count)} ${count === 1 ? 'block' : 'blocks'}`;
  const started = new Date(report.started_unix_s * 1000);
  const command = report.command.join(' ');
  const kind = report.sample_bytes ? 'a sample' : 'every block';
  return el(
    'header',
    {},
    el('h1', { title: command }, command),
    el(
      'p',
      { class: 'quiet' },
      `${formatMs(report.length_ms)}, ${kind}, ${formatCount(report.events)} events, ` +
        `${started.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })}`,
    ),
    processChoice(report),
    el(
      'dl',
      { class: 'figures' },
      figure('live at peak', formatBytes(summary.at_peak.bytes), `at ${formatMs(summary.peak_ms)}`),
      figure('live at end', formatBytes(summary.at_end.bytes), blocks(summary.at_end.blocks)),
      figure('allocated', formatBytes(summary.total.bytes), blocks(summary.total.blocks)),
      figure(
        'temporary',
        formatCount(summary.temporary_blocks),
        `${Math.round((100 * summary.temporary_blocks) / Math.max(1, summary.total.blocks))} % of blocks`,
      ),
    ),
    ...notes(report).map((text) => el('p', { class: 'note' }, text)),
  );
}
