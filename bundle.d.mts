import type { Plugin } from 'esbuild';

export declare function bundlePackage(root: string, outdir: string): Promise<string[]>;

/** Leaves out of sucrase what taking types out of a module does not need. */
export const sucraseForTypes: Plugin;
