import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, formatCount, formatMs, formatShare, formatWhere, shortName } from './format';

test('sizes and counts', () => {
  assert.equal(formatBytes(0), '0 B');
  assert.equal(formatBytes(1023), '1023 B');
  assert.equal(formatBytes(1024 * 1023.7), '1.0 MiB');
  assert.equal(formatBytes(128.2 * 2 ** 20), '128 MiB');
  assert.equal(formatBytes(-2048), '−2.0 KiB');
  assert.equal(formatCount(999), '999');
  assert.equal(formatCount(1_250_000), '1.3 M');
});

test('times', () => {
  assert.equal(formatMs(0), '0 ms');
  assert.equal(formatMs(999), '999 ms');
  assert.equal(formatMs(2500), '2.5 s');
  assert.equal(formatMs(125_000), '2 min 05 s');
  assert.equal(formatMs(7_500_000), '2 h 05 min');
});

test('shares', () => {
  assert.equal(formatShare(1, 0), '–');
  assert.equal(formatShare(1, 3), '33.3 %');
  assert.equal(formatShare(1, 3000), '<0.1 %');
  assert.equal(formatShare(3, 3), '100 %');
});

test('names without types and parameters', () => {
  assert.equal(shortName('main'), 'main');
  assert.equal(shortName('net::open(int, char const*)'), 'net::open');
  assert.equal(
    shortName('void std::vector<int, std::allocator<int> >::push_back(int&&)'),
    'std::vector<int, std::allocator<int> >::push_back',
  );
  assert.equal(shortName('(anonymous namespace)::load(int)'), '(anonymous namespace)::load');
  assert.equal(shortName('a::operator()(int) const'), 'a::operator()');
  assert.equal(shortName('operator new(unsigned long)'), 'operator new');
  assert.equal(shortName('(unknown calls)'), '(unknown calls)');
  assert.equal(formatWhere({ function: 'f', file: '/a/b.c', line: 3 }), 'b.c:3');
  assert.equal(formatWhere({ function: 'f', file: null, line: null }), '');
});
