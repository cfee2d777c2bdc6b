import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** ts-morph, an optional peer: only what reads the TypeScript of users needs it. */
export type TsMorph = typeof import('ts-morph');

/** The compiler that ts-morph brings along. */
export type Ts = TsMorph['ts'];

/** The command that installs it. */
export const installCommand = 'npm install --save-dev ts-morph';

/**
 * Loads ts-morph: as installed beside this package, or else for the project in a folder.
 *
 * @returns undefined when neither has it
 */
export async function loadTsMorph(folder: string): Promise<TsMorph | undefined> {
  for (const specifier of ['ts-morph', resolvedFrom(folder)]) {
    if (specifier === undefined) continue;
    try {
      const loaded: TsMorph & { default?: TsMorph } = await import(specifier);
      return loaded.Project ? loaded : loaded.default;
    } catch (error) {
      if (!/MODULE_NOT_FOUND/.test((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return undefined;
}

function resolvedFrom(folder: string): string | undefined {
  try {
    return pathToFileURL(createRequire(join(folder, 'package.json')).resolve('ts-morph')).href;
  } catch {
    return undefined;
  }
}
