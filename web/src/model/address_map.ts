// Blocks by address, in lines: a row for each range of addresses of the same length that has blocks, and a gap
// for what lies between rows.
//
//   row    | 7f28be00000 |  [blk][blk]   [block that goes on
//   row    | 7f28be10000 |  in the next row]      [blk]
//   gap    | … 12.4 GiB apart
//   row    | 7f5b0200000 |  [blk] ...
//
// Of a block that is longer than mostRows rows only the first and the last are drawn, with a gap that says so.
import { formatBytes, formatCount, formatMs, shortName } from './format';
import type { Recording, ReportBlock, ReportMap } from './report';

export interface Row {
  kind: 'row';
  start: number; // address
  blocks: number[]; // into ReportMap.blocks
  others: number[]; // into the ranges of ReportMap.others
}

export interface Gap {
  kind: 'gap';
  bytes: number;
  isInBlock: boolean;
}

export type Line = Row | Gap;

const mostRows = 6;
const leastRowBytes = 256;
const usualLines = 48;

export const endOf = ([address, size]: ReportBlock): number => address + Math.max(size, 1);
export const hexadecimal = (address: number): string => `0x${address.toString(16)}`;

function rowsOf(map: ReportMap, rowBytes: number): Row[] {
  const rows = new Map<number, Row>();
  const rowAt = (number: number): Row => {
    let row = rows.get(number);
    if (!row) {
      row = { kind: 'row', start: number * rowBytes, blocks: [], others: [] };
      rows.set(number, row);
    }
    return row;
  };
  const numbers = (start: number, end: number): number[] => {
    const first = Math.floor(start / rowBytes);
    const last = Math.floor((end - 1) / rowBytes);
    if (last - first >= mostRows) return [first, last];
    return Array.from({ length: last - first + 1 }, (_, more) => first + more);
  };
  map.blocks.forEach((block, at) => {
    for (const number of numbers(block[0], endOf(block))) rowAt(number).blocks.push(at);
  });
  map.others?.ranges.forEach(([start], at) => {
    for (const number of numbers(start, start + map.others!.range_bytes)) rowAt(number).others.push(at);
  });
  return [...rows.values()].sort((a, b) => a.start - b.start);
}

// Where what is in the row ends; it may be in a later one.
function endOfRow(map: ReportMap, row: Row): number {
  const ends = row.blocks.map((at) => endOf(map.blocks[at]));
  const others = row.others.map((at) => map.others!.ranges[at][0] + map.others!.range_bytes);
  return [...ends, ...others].reduce((most, end) => Math.max(most, end), 0);
}

function startOfRow(map: ReportMap, row: Row): number {
  const starts = row.blocks.map((at) => map.blocks[at][0]);
  const others = row.others.map((at) => map.others!.ranges[at][0]);
  return [...starts, ...others].reduce((least, start) => Math.min(least, start), Infinity);
}

export function linesOf(map: ReportMap, rowBytes: number): Line[] {
  const lines: Line[] = [];
  let before: Row | null = null;
  for (const row of rowsOf(map, rowBytes)) {
    if (before && before.start + rowBytes < row.start) {
      const bytes = startOfRow(map, row) - endOfRow(map, before);
      const isInBlock = bytes < 0;
      lines.push({ kind: 'gap', bytes: isInBlock ? row.start - before.start - rowBytes : bytes, isInBlock });
    }
    lines.push(row);
    before = row;
  }
  return lines;
}

export const gapWords = (gap: Gap): string =>
  gap.isInBlock ? `… ${formatBytes(gap.bytes)} more of it` : `… ${formatBytes(gap.bytes)} apart`;

// So that all of it is about a screen high.
export function usualRowBytes(map: ReportMap): number {
  let bytes = 1024;
  while (bytes < 2 ** 40 && linesOf(map, bytes).length > usualLines) bytes *= 2;
  return bytes;
}
export const closer = (rowBytes: number): number => Math.max(rowBytes / 4, leastRowBytes);
export const wider = (rowBytes: number): number => Math.min(rowBytes * 4, 2 ** 44);

// The block at the address, or the nearest; -1: there is none.
export function blockNear(map: ReportMap, address: number): number {
  let from = 0;
  let to = map.blocks.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (map.blocks[middle][0] <= address) from = middle + 1;
    else to = middle;
  }
  const before = from - 1;
  if (from === map.blocks.length) return before;
  if (before < 0) return from;
  const isNearer = map.blocks[from][0] - address < address - endOf(map.blocks[before]) + 1;
  return isNearer ? from : before;
}

// ---- Colours: which of the classes of the legend a block is in

export type Colouring = 'site' | 'age' | 'size';

export interface Class {
  label: string;
  bytes: number;
}

export interface Classes {
  of: Uint8Array; // by block
  listed: Class[];
}

const mostSites = 8;
const ages = 5;
const sizes = [64, 512, 4096, 65536, Infinity];

function classesBy(map: ReportMap, labels: string[], classOf: (block: ReportBlock) => number): Classes {
  const listed = labels.map((label) => ({ label, bytes: 0 }));
  const of = Uint8Array.from(map.blocks, (block) => {
    const at = classOf(block);
    listed[at].bytes += block[1];
    return at;
  });
  return { of, listed };
}

// The sites with most bytes each, then all others.
function bySite(map: ReportMap, recording: Recording): Classes {
  const siteOf = (block: ReportBlock) => (block[2] === null ? -1 : recording.stacks[block[2]].site);
  const bytes = new Map<number, number>();
  for (const block of map.blocks) bytes.set(siteOf(block), (bytes.get(siteOf(block)) ?? 0) + block[1]);
  const order = [...bytes.keys()].sort((a, b) => bytes.get(b)! - bytes.get(a)! || a - b);
  const top = order.slice(0, order.length > mostSites + 1 ? mostSites : mostSites + 1);
  const places = new Map(top.map((site, at) => [site, at]));
  const labels = top.map((site) =>
    site < 0 ? 'not known' : shortName(recording.report.sites[site].function),
  );
  if (order.length > top.length) labels.push(`${formatCount(order.length - top.length)} other sites`);
  return classesBy(map, labels, (block) => places.get(siteOf(block)) ?? top.length);
}

function byAge(map: ReportMap): Classes {
  const most = Math.max(map.time_ms, 1);
  const labels = Array.from({ length: ages }, (_, at) => {
    const ms = (part: number) => formatMs((most * part) / ages);
    return `came ${ms(at)} to ${ms(at + 1)}`;
  });
  return classesBy(map, labels, (block) => Math.min(Math.floor((block[3] * ages) / most), ages - 1));
}

function bySize(map: ReportMap): Classes {
  const labels = sizes.map((size, at) =>
    size === Infinity ? `more than ${formatBytes(sizes[at - 1])}` : `up to ${formatBytes(size)}`,
  );
  return classesBy(map, labels, (block) => sizes.findIndex((size) => block[1] <= size));
}

export function classesOf(map: ReportMap, recording: Recording, by: Colouring): Classes {
  return by === 'site' ? bySite(map, recording) : by === 'age' ? byAge(map) : bySize(map);
}

// ---- Words

const counted = (count: number, what: string): string =>
  `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`;

export function mapWords(map: ReportMap, pageBytes: number, recording: Recording): string[] {
  const { report } = recording;
  const touched = map.pages * pageBytes;
  const share = touched > 0 ? Math.round((100 * map.live.bytes) / touched) : 0;
  const words = [
    `After ${formatMs(map.time_ms)}: ${counted(map.live.blocks, 'block')} with ${formatBytes(map.live.bytes)} on ` +
      `${counted(map.pages, 'page')} of ${formatBytes(pageBytes)}, ${formatBytes(touched)} in all, of which ` +
      `${share} % are live. From the first byte to the last: ${formatBytes(map.extent_bytes)}.`,
  ];
  if (report.sample_bytes !== null) {
    words.push(
      `A sample: only the blocks that were met are known, about one each ${formatBytes(report.sample_bytes)}; ` +
        'what seems free between them need not be.',
    );
  }
  if (map.others) {
    const drawn = map.blocks.reduce((sum, block) => sum + block[1], 0);
    words.push(
      `The largest ${formatCount(map.blocks.length)} are drawn one by one; the others, ` +
        `${counted(map.live.blocks - map.blocks.length, 'block')} with ${formatBytes(map.live.bytes - drawn)}, ` +
        `as grey, the darker the fuller their ${formatBytes(map.others.range_bytes)}.`,
    );
  }
  if (report.is_rolled_up && map.moment === 'end') {
    words.push('This is what the last events left: past --max-size a recording has sums only.');
  }
  return words;
}
