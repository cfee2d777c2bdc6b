/** Shortens a bundle of modules, and the mappings of its source map, line by line. */
export function compact(
  code: string,
  modules: readonly string[],
  mappings: readonly unknown[],
): Promise<{ readonly code: string; readonly mappings: readonly unknown[] }>;

/** Whether a module is none that we write: of a package, a stand-in for one of Node's in a package, or generated. */
export function isForeign(path: string): boolean;
