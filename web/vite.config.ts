// Everything goes into one file: no page that was kept or sent on may lack a part of itself.
import { defineConfig } from 'vite';
import { viteSingleFile } from 'vite-plugin-singlefile';

export default defineConfig({
  plugins: [viteSingleFile()],
  build: { target: 'es2022', outDir: process.env.STRATA_PAGE_DIR ?? 'dist', emptyOutDir: true },
});
