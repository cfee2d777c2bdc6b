import { defineConfig } from 'vitest/config';
import { viteHandlebars } from './build/handlebars-plugin.mjs';

export default defineConfig({
  plugins: [viteHandlebars],
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Most tests wait for other programs: the default leaves a processor to them, and takes twice as long on two.
    maxWorkers: '100%',
  },
});
