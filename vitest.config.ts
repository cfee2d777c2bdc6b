import { defineConfig } from 'vitest/config';
import { viteHandlebars } from './handlebars-plugin.mjs';

export default defineConfig({
  plugins: [viteHandlebars],
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
  },
});
