import type { Plugin } from 'esbuild';

/** Leaves out of packages what nothing here comes to. */
export const withoutUnused: Plugin;
