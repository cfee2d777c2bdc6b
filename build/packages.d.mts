import type { Plugin } from 'esbuild';

/** Leaves out of packages what nothing here comes to. */
export const withoutUnused: Plugin;

/** A module like the one generated for introspection, whose data is compressed. */
export function packedIntrospection(text: string): string;
