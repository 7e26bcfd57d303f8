// What curves of bytes over time have in common.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { cssColour } from '../dom';
import { formatBytes, formatMs } from '../model/format';
import type { Facts } from '../model/report';

const height = 170;
const powersOfTwo = Array.from({ length: 60 }, (_, power) => 2 ** power);

// colour: the name of a variable of the style.
export const curve = (label: string, colour: string, more: Partial<uPlot.Series>): uPlot.Series => ({
  label,
  stroke: cssColour(colour),
  width: 1.5,
  spanGaps: true,
  points: { show: false },
  ...more,
});

export const stepped = () => uPlot.paths.stepped!({ align: 1 });

export function curveOptions(
  width: number,
  lengthMs: number,
  series: uPlot.Series[],
  hooks: uPlot.Hooks.Arrays,
): uPlot.Options {
  const grid = { stroke: cssColour('--line'), width: 1 };
  const axis = { stroke: cssColour('--quiet'), grid, ticks: { show: false }, font: '12px system-ui' };
  return {
    width,
    height,
    padding: [10, 20, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false, points: { size: 6 } },
    scales: {
      x: { time: false, range: [0, Math.max(1, lengthMs)] },
      y: { range: (_plot, _least, most) => [0, Math.max(1, most) * 1.06] },
    },
    axes: [
      { ...axis, size: 26, values: (_plot, all) => all.map(formatMs), space: 80 },
      { ...axis, size: 66, values: (_plot, all) => all.map(formatBytes), incrs: powersOfTwo, space: 34 },
    ],
    series: [{}, ...series],
    hooks,
  };
}

// From the start to the end of the recording.
export function livePoints({ curve: { live_bytes }, length_ms: length }: Facts): [number, number][] {
  const live: [number, number][] = [[0, 0], ...live_bytes];
  live.push([Math.max(length, live.at(-1)![0]), live.at(-1)![1]]);
  return live;
}

export const columnsOfPoints = (points: [number, number][]): uPlot.AlignedData => [
  points.map(([ms]) => ms),
  points.map(([, bytes]) => bytes),
];

// What a curve had last, below the pointer or to the left of it; null: nothing.
export function lastOf(plot: uPlot, series: number, at: number): number | null {
  for (let i = at; i >= 0; --i) {
    const value = plot.data[series][i];
    if (value !== null && value !== undefined) return value;
  }
  return null;
}
