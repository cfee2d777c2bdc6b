import { InvalidArgumentError, Option } from 'commander';
import type { ImportExtension, Int64Mode } from '../generator/emit/options.js';
import { Dialect, dialectNames } from '../generator/syntax/dialect.js';
import { nearMiss } from '../generator/text/near-miss.js';

/** The values of the options that have few. */
export const int64Modes = ['union', 'bigint', 'number'] as const satisfies readonly Int64Mode[];
export const importExtensions = ['js', 'ts', 'none'] as const satisfies readonly ImportExtension[];

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

/** An option that takes one of a few values. */
export function choiceOption(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, description)
    .choices(choices)
    .argParser((value) => accepted(value, complaintAbout(value, choices)));
}

/** An option that takes some of a few values, separated by commas or given again and again. */
export function choicesOption(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, description).choices(choices).argParser((value, before: string[] | undefined) => {
    const values = value.split(',').map((part) => part.trim());
    return [...(before ?? []), ...values.map((part) => accepted(part, complaintAbout(part, choices)))];
  });
}

/** `--dialect`. */
export function dialectOption(): Option {
  const range = `${dialectNames[1]} to ${dialectNames.at(-1)}`;
  return new Option('--dialect <release>', `check by the rules of a release, ${range}, or of all ("auto")`).argParser(
    (value) => accepted(value, complaintAboutDialect(value)),
  );
}

/** `--define NAME[=on|off]`, once for each symbol. */
export function defineOption(): Option {
  return new Option('--define <NAME[=on|off]>', 'the value of a configuration symbol; once for each').argParser(
    (text, before: Record<string, boolean> | undefined) => {
      const [, name, value = 'on'] = /^([A-Za-z_]\w*)(?:=(.*))?$/s.exec(text) ?? [];
      if (name === undefined) throw new InvalidArgumentError('write NAME, NAME=on or NAME=off');
      return { ...before, [name]: accepted(value, complaintAbout(value, ['on', 'off'])) === 'on' };
    },
  );
}

function accepted(value: string, complaint: string | undefined): string {
  if (complaint !== undefined) throw new InvalidArgumentError(complaint);
  return value;
}
