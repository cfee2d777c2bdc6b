/** Shortens a bundle of modules, and the mappings of its source map, line by line. */
export function compact(
  code: string,
  modules: readonly string[],
  mappings: readonly unknown[],
): Promise<{ readonly code: string; readonly mappings: readonly unknown[] }>;
