import type { Target } from './target.js';
import { commands } from './targets/commands.js';
import { events } from './targets/events.js';
import { introspection } from './targets/introspection.js';
import { types } from './targets/types.js';
import { visitors } from './targets/visitors.js';

/** All that can be generated, in the order in which it is. A new target is a file in `targets/` and a line here. */
const targets: readonly Target[] = [types, visitors, commands, events, introspection];

/** The names of all targets. */
export const targetNames: readonly string[] = targets.map((target) => target.name);

/**
 * The targets of some names, and those that they require.
 *
 * @throws {RangeError} when a name is not that of a target
 */
export function selectTargets(names: readonly string[] = targetNames): readonly Target[] {
  const selected = new Set<string>();
  const select = (name: string): void => {
    const target = targets.find((candidate) => candidate.name === name);
    if (!target) throw new RangeError(`there is no target '${name}'; there are ${targetNames.join(', ')}`);
    if (selected.has(name)) return;
    selected.add(name);
    target.requires.forEach(select);
  };
  names.forEach(select);
  return targets.filter((target) => selected.has(target.name));
}
