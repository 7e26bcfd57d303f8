// The tests of src/model: bundled by esbuild, run by node's own test runner.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const model = join(here, 'src', 'model');
const made = mkdtempSync(join(tmpdir(), 'strata-page-'));
const tests = readdirSync(model).filter((name) => name.endsWith('.test.ts'));
await build({
  entryPoints: tests.map((name) => join(model, name)),
  bundle: true,
  platform: 'node',
  format: 'esm',
  outdir: made,
  outExtension: { '.js': '.mjs' },
});
const files = tests.map((name) => join(made, name.replace(/\.ts$/, '.mjs')));
const done = spawnSync(process.execPath, ['--test', ...files], { stdio: 'inherit' });
rmSync(made, { recursive: true });
process.exit(done.status ?? 1);
