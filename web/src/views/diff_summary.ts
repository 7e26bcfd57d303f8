// The head of the page of two recordings: what they are, and what their figures differ by.
import { el } from '../dom';
import { changeWords, shareText, signed, type DiffReport, type Pair } from '../model/difference';
import { formatCount, formatMs, formatValue } from '../model/format';
import type { Facts } from '../model/report';
import { notes, processChoice } from './summary';

function recordingLine(which: string, facts: Facts): HTMLElement {
  const kind = facts.sample_bytes ? 'a sample' : 'every block';
  const started = new Date(facts.started_unix_s * 1000);
  const when = started.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  const process = facts.processes.find(({ number }) => number === facts.process);
  return el(
    'li',
    {},
    el('b', {}, which),
    el('span', { class: 'file' }, facts.file),
    el('span', { class: 'quiet' }, (process?.command ?? facts.command).join(' ')),
    el(
      'span',
      { class: 'quiet' },
      `${formatMs(facts.length_ms)}, ${kind}, ${formatCount(facts.events)} events, ${when}`,
    ),
  );
}

interface Row {
  label: string;
  unit: 'bytes' | 'blocks';
  of(facts: Facts): number;
}

const rows: Row[] = [
  { label: 'live at peak', unit: 'bytes', of: ({ summary }) => summary.at_peak.bytes },
  { label: 'live at end', unit: 'bytes', of: ({ summary }) => summary.at_end.bytes },
  { label: 'allocated', unit: 'bytes', of: ({ summary }) => summary.total.bytes },
  { label: 'blocks', unit: 'blocks', of: ({ summary }) => summary.total.blocks },
  { label: 'temporary', unit: 'blocks', of: ({ summary }) => summary.temporary_blocks },
];

function summaryRow({ label, unit, of }: Row, report: DiffReport): HTMLElement {
  const pair: Pair = { here: of(report.this), other: of(report.other) };
  return el(
    'tr',
    { title: changeWords(pair, unit) },
    el('th', { scope: 'row' }, label),
    el('td', {}, formatValue(pair.other, unit)),
    el('td', {}, formatValue(pair.here, unit)),
    el('td', {}, signed(pair, unit)),
    el('td', {}, shareText(pair)),
  );
}

export function diffSummary(report: DiffReport): HTMLElement {
  const command = report.this.command.join(' ');
  const heads = ['', 'other', 'this', 'difference', 'change'];
  const both: [string, Facts][] = [
    ['this', report.this],
    ['other', report.other],
  ];
  return el(
    'header',
    {},
    el('h1', { title: command }, command),
    el('ul', { class: 'both', 'aria-label': 'Recordings' }, ...both.map((one) => recordingLine(...one))),
    processChoice(report.this),
    el(
      'table',
      { class: 'compared', 'aria-label': 'Summary of both' },
      el('thead', {}, el('tr', {}, ...heads.map((text) => el('th', { scope: 'col' }, text)))),
      el('tbody', {}, ...rows.map((row) => summaryRow(row, report))),
    ),
    ...both.flatMap(([which, facts]) =>
      notes(facts).map((text) => el('p', { class: 'note' }, `Of ${which}: ${text}`)),
    ),
  );
}
