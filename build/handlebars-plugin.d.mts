import type { Plugin as EsbuildPlugin } from 'esbuild';
import type { Plugin as VitePlugin } from 'vitest/config';

export declare function templateModule(source: string): string;
export declare const esbuildHandlebars: EsbuildPlugin;
export declare const viteHandlebars: VitePlugin;
