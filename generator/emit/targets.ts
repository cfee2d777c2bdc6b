import { optionTable } from './option-table.js';
import type { Target } from './target.js';
import { client } from './targets/client.js';
import { commands } from './targets/commands.js';
import { events } from './targets/events.js';
import { introspection } from './targets/introspection.js';
import { types } from './targets/types.js';
import { visitors } from './targets/visitors.js';

/** The names of all targets. */
export const targetNames = optionTable.targets.choices;

/**
 * All that can be generated, in the order in which it is. A new target is a file in `targets/`, a line here, and its name in the
 * table of options: the command line knows the names without loading the code.
 */
const targets: readonly Target[] = Object.values({
  types,
  client,
  visitors,
  commands,
  events,
  introspection,
} satisfies Record<(typeof targetNames)[number], Target>);

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
