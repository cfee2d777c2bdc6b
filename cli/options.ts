import { InvalidArgumentError, Option } from 'commander';
import { type OptionName, type OptionRow, optionTable } from '../generator/emit/option-table.js';
import { Dialect, dialectNames } from '../generator/syntax/dialect.js';
import { nearMiss } from '../generator/text/near-miss.js';
import { UserError } from './user-error.js';

/** What is wrong with a value that must be one of a few; undefined when nothing is. */
export function complaintAbout(value: string, choices: readonly string[]): string | undefined {
  if (choices.includes(value)) return undefined;
  const near = nearMiss(value, choices);
  return near === undefined ? `choose one of ${choices.join(', ')}` : `did you mean '${near}'?`;
}

/** What is wrong with the name of a dialect; undefined when nothing is. */
export function complaintAboutDialect(name: string): string | undefined {
  const named = Dialect.named(name);
  return 'problem' in named ? named.problem : undefined;
}

/** The dialect of a name that the command line or a configuration gives; without one, the one that reads all schemas. */
export function dialectNamed(name: string | undefined): Dialect {
  if (name === undefined) return Dialect.auto;
  const named = Dialect.named(name);
  if ('problem' in named) throw new UserError(named.problem);
  return named.dialect;
}

/** An option of the table; undefined for what only a configuration has. Its value is found under the name in the table. */
export function tableOption(name: OptionName): Option | undefined {
  const row: OptionRow = optionTable[name];
  const { flags, summary = '' } = row;
  if (flags === undefined) return undefined;
  switch (row.kind) {
    case 'dialect':
      return dialectOption();
    case 'choice':
      return choiceOption(flags, summary, row.choices);
    case 'choices':
      return Object.assign(choicesOption(flags, summary, row.choices), { attributeName: () => name });
    case 'switches':
      return switchesOption(flags, summary);
    default:
      return new Option(flags, summary);
  }
}

/** An option that takes one of a few values. */
export function choiceOption(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, description)
    .choices(choices)
    .argParser((value) => accepted(value, complaintAbout(value, choices)));
}

/** An option that takes some of a few values, separated by commas or given again and again. */
function choicesOption(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, description).choices(choices).argParser((value, before: string[] | undefined) => {
    const values = value.split(',').map((part) => part.trim());
    return [...(before ?? []), ...values.map((part) => accepted(part, complaintAbout(part, choices)))];
  });
}

/** `--dialect`. */
export function dialectOption(): Option {
  const range = `${dialectNames[1]} to ${dialectNames.at(-1)}`;
  return new Option(
    optionTable.dialect.flags,
    `check by the rules of a release, ${range}, or of all ("auto")`,
  ).argParser((value) => accepted(value, complaintAboutDialect(value)));
}

/** `NAME[=on|off]`, once for each name. */
function switchesOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text, before: Record<string, boolean> | undefined) => {
    const [, name, value = 'on'] = /^([A-Za-z_]\w*)(?:=(.*))?$/s.exec(text) ?? [];
    if (name === undefined) throw new InvalidArgumentError('write NAME, NAME=on or NAME=off');
    return { ...before, [name]: accepted(value, complaintAbout(value, ['on', 'off'])) === 'on' };
  });
}

function accepted(value: string, complaint: string | undefined): string {
  if (complaint !== undefined) throw new InvalidArgumentError(complaint);
  return value;
}
