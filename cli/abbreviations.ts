import type { Command } from 'commander';

/**
 * Writes out long options that stand in a shorter form, as getopt takes them: `--blockd` is `--blockdev` where nothing else begins so.
 *
 * @param command has been declared
 * @param whole those that may be shortened
 */
export function writtenOut(args: readonly string[], command: Command, whole: readonly string[]): string[] {
  const result: string[] = [];
  let isValue = false;
  for (const [index, arg] of args.entries()) {
    if (isValue || arg === '--') {
      result.push(...(isValue ? [arg] : args.slice(index)));
      if (!isValue) break;
      isValue = false;
      continue;
    }
    const [, name = '', rest = ''] = /^(--[^=]+)(=.*)?$/s.exec(arg) ?? [];
    const found = optionOf(command, name) === undefined ? whole.filter((each) => each.startsWith(name)) : [];
    const text = name !== '' && found.length === 1 ? `${found[0]}${rest}` : arg;
    result.push(text);
    isValue = optionOf(command, text)?.required ?? false;
  }
  return result;
}

function optionOf(command: Command, text: string) {
  return command.options.find(({ long, short }) => long === text || short === text);
}
