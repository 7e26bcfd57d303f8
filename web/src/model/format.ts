// Figures as people read them; sizes in powers of 1024, counts in powers of 1000.
import type { Place } from './report';

function scaled(value: number, base: number, units: string[]): string {
  let unit = 0;
  let rest = Math.abs(value);
  while (rest >= base && unit < units.length - 1) {
    rest /= base;
    unit += 1;
  }
  // 1023.6 KiB reads 1.0 MiB.
  if (unit > 0 && unit < units.length - 1 && Math.round(rest) >= base) {
    rest /= base;
    unit += 1;
  }
  const digits = unit === 0 || rest >= 99.95 ? 0 : 1;
  return `${value < 0 ? '−' : ''}${rest.toFixed(digits)}${units[unit]}`;
}

export const formatBytes = (bytes: number): string =>
  scaled(bytes, 1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB', ' PiB', ' EiB']);

export const formatCount = (count: number): string => scaled(count, 1000, ['', ' k', ' M', ' G', ' T']);

export const formatValue = (value: number, unit: 'bytes' | 'blocks'): string =>
  unit === 'bytes' ? formatBytes(value) : formatCount(value);

export function formatMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Number((ms / 1000).toFixed(ms < 9_995 ? 2 : 1))} s`;
  const seconds = Math.round(ms / 1000);
  const pad = (value: number) => String(value).padStart(2, '0');
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${pad(Math.floor((seconds % 3600) / 60))} min`;
}

export function formatShare(value: number, of: number): string {
  if (of <= 0) return '–';
  const percent = (100 * value) / of;
  if (percent > 0 && percent < 0.1) return '<0.1 %';
  return `${percent >= 99.95 ? 100 : percent.toFixed(1)} %`;
}

export const formatWhere = (place: Place): string => {
  if (!place.file) return '';
  const file = place.file.slice(place.file.lastIndexOf('/') + 1);
  return place.line ? `${file}:${place.line}` : file;
};

// A function's name without return type and parameters. Brackets of templates, of "(anonymous namespace)"
// and of operators belong to names.
export function shortName(name: string): string {
  if (/\boperator\b/.test(name)) return name.replace(/(operator\(\)|operator[^(]+)\(.*$/, '$1');
  let depth = 0;
  let start = 0;
  for (let at = 0; at < name.length; ++at) {
    const one = name[at];
    if (name.startsWith('(anonymous namespace)', at)) at += '(anonymous namespace)'.length - 1;
    else if (one === '<') depth += 1;
    else if (one === '>') depth -= 1;
    else if (one === '(' && depth === 0) return name.slice(start, at) || name;
    else if (one === ' ' && depth === 0) start = at + 1;
  }
  return name.slice(start) || name;
}
