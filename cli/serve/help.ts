import { propertyTypes, typesOf } from '../../runtime/block/objects/object-types.js';
import type { Output } from '../host.js';
import { exitCodes } from '../subcommand.js';
import { chardevKeys, chardevKinds } from './chardev.js';
import type { ServeOptions } from './options.js';

/**
 * Prints what an option asks for that has `help` in the place of a value, as the storage daemon does.
 *
 * @returns the exit code when one does
 */
export function printHelp({ object = [], chardev = [], trace = [] }: ServeOptions, output: Output): number | undefined {
  const types = typesOf('user-creatable', false).map(([name]) => name);
  const asked = object.find(asksForHelp);
  if (asked !== undefined) {
    const [type = ''] = asked.split(',');
    const properties = types.includes(type) ? propertyTypes(type) : undefined;
    if (properties === undefined) list('List of user creatable objects:', types, output);
    else
      list(
        `${type} options:`,
        properties.map(([name, of]) => `${name}=<${of}>`),
        output,
      );
    return exitCodes.ok;
  }
  const device = chardev.find(asksForHelp);
  if (device !== undefined) {
    if (isHelp(device)) {
      list('Available chardev backend types: ', chardevKinds, output);
      return exitCodes.ok;
    }
    list(
      'chardev options:',
      Object.entries(chardevKeys).map(([name, type]) => `${name}=<${typeNames[type]}>`),
      output,
    );
    return exitCodes.problems;
  }
  return trace.some(isHelp) ? exitCodes.ok : undefined;
}

const typeNames = { string: 'str', bool: 'bool (on/off)', number: 'num', size: 'size' } as const;

function isHelp(text: string): boolean {
  return text === 'help' || text === '?';
}

/** JSON has no help. */
function asksForHelp(text: string): boolean {
  return !text.startsWith('{') && text.split(',').some(isHelp);
}

function list(title: string, names: readonly string[], output: Output): void {
  output.write(`${[title, ...[...names].sort().map((name) => `  ${name}`)].join('\n')}\n`);
}
