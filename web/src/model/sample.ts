// A recording that tests can count by hand: two sites below main, four steps of 10 ms.
//
//   step           0      1      2      3
//   load (300 B)   +3 -0  +0 -1  +0 -0  +0 -2     main > run > load
//   parse (10 B)   +0     +5 -5  +5 -0  +0 -0     main > run > parse
//   parse (10 B)   +1 -0                          main > parse
import type { Report, ReportStack, Step } from './report';

const frames = [
  { function: 'main', file: '/src/main.c', line: 9 },
  { function: 'run', file: '/src/main.c', line: 5 },
  { function: 'load(int)', file: '/src/load.c', line: 3 },
  { function: 'parse(char const*)', file: '/src/parse.c', line: 7 },
];

interface Given {
  calls: number[];
  site: number;
  peak: number;
  end: number;
  total: number;
  bytes: number;
  temporary: number;
  lifetimes: number[];
  steps: Step[];
}

function stackOf({ calls, site, peak, end, total, bytes, temporary, lifetimes, steps }: Given): ReportStack {
  const amount = (blocks: number) => ({ blocks, bytes: blocks * bytes });
  return {
    calls,
    site,
    at_peak: amount(peak),
    at_end: amount(end),
    total: amount(total),
    temporary_blocks: temporary,
    resized_blocks: 0,
    lifetimes,
    steps,
  };
}

export function sampleReport(): Report {
  const stacks = [
    stackOf({
      calls: [2, 1, 0], site: 0, peak: 3, end: 0, total: 3, bytes: 300, temporary: 0, lifetimes: [0, 3],
      steps: [[0, 3, 900, 0, 0, 0], [1, 0, 0, 1, 300, 0], [3, 0, 0, 2, 600, 0]],
    }),
    stackOf({
      calls: [3, 1, 0], site: 1, peak: 0, end: 5, total: 10, bytes: 10, temporary: 5, lifetimes: [5, 0],
      steps: [[1, 5, 50, 5, 50, 5], [2, 5, 50, 0, 0, 0]],
    }),
    stackOf({
      calls: [3, 0], site: 1, peak: 1, end: 1, total: 1, bytes: 10, temporary: 0, lifetimes: [0, 0],
      steps: [[0, 1, 10, 0, 0, 0]],
    }),
  ];
  const nothing = { blocks: 0, bytes: 0 };
  const figures = {
    at_peak: nothing, at_end: nothing, total: nothing, temporary_blocks: 0, resized_blocks: 0, lifetimes: [],
  };
  return {
    schema: 'strata-report-1',
    file: 'sample.strata',
    command: ['sample'],
    sample_bytes: null,
    started_unix_s: 0,
    length_ms: 40,
    events: 20,
    is_complete: true,
    is_rolled_up: false,
    is_cut: false,
    lost: {},
    processes: [],
    process: 1,
    summary: { ...figures, peak_ms: 9, unknown_frees: 0 },
    lifetime_limits_ms: [1],
    sizes: [],
    curve: {
      live_bytes: [[0, 10], [9, 910], [15, 610], [25, 660], [35, 60]],
      resident_bytes: [[0, 5000], [10, 6500], [30, 5200]],
    },
    step_ms: 10,
    frames,
    sites: [
      { ...frames[2], ...figures, stacks: 1 },
      { ...frames[3], ...figures, stacks: 2 },
    ],
    stacks,
    mappings: null,
    pools: null,
    address_map: null,
  };
}
