const prefix = 'exec:';

/** The command line behind `exec:`; undefined for the address of a program that runs already. */
export function commandLineIn(from: string): string | undefined {
  return from.startsWith(prefix) ? from.slice(prefix.length) : undefined;
}
