import type { OptionRow } from '../generator/emit/option-table.js';
import { complaintAbout, complaintAboutDialect } from './options.js';

/** Says what is wrong with the value of a key, to follow the key's name; undefined when nothing is. */
type Rule = (value: unknown) => string | undefined;

const text: Rule = (value) => (typeof value === 'string' && value !== '' ? undefined : 'must be a string');
const flag: Rule = (value) => (typeof value === 'boolean' ? undefined : 'must be true or false');

function oneOf(choices: readonly string[]): Rule {
  return (value) => text(value) ?? describe(complaintAbout(value as string, choices), value);
}

function listOf(choices: readonly string[]): Rule {
  return (value) => {
    if (!Array.isArray(value)) return 'must be an array of strings';
    return value.map(oneOf(choices)).find((complaint) => complaint !== undefined);
  };
}

const switches: Rule = (value) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return 'must be an object such as { "CONFIG_LINUX": true }';
  }
  const wrong = Object.entries(value).find(([, state]) => typeof state !== 'boolean');
  return wrong && `must have true or false for '${wrong[0]}'`;
};

function describe(complaint: string | undefined, value: unknown): string | undefined {
  return complaint && `cannot be '${value}': ${complaint}`;
}

/** What is wrong with a value of an option in a configuration, to follow the option's name; undefined when nothing is. */
export function complaintAboutValue(row: OptionRow, value: unknown): string | undefined {
  switch (row.kind) {
    case 'dialect':
      return text(value) ?? describe(complaintAboutDialect(value as string), value);
    case 'choice':
      return oneOf(row.choices)(value);
    case 'choices':
      return listOf(row.choices)(value);
    case 'switches':
      return switches(value);
    case 'flag':
      return flag(value);
    default:
      return text(value);
  }
}
