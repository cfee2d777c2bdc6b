import { installCommand, loadTsMorph, type TsMorph } from '../upgrade/compiler.js';
import type { Host } from './host.js';
import { UserError } from './user-error.js';

/**
 * The compiler, which users install beside this package.
 *
 * @throws UserError when they have not
 */
export async function requireTsMorph({ cwd }: Host): Promise<TsMorph> {
  const morph = await loadTsMorph(cwd);
  if (morph) return morph;
  throw new UserError('reading TypeScript takes the package ts-morph, which is not installed', {
    hint: `install it with: ${installCommand}`,
  });
}
