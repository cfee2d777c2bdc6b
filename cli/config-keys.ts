import type { Config } from '../generator/config.js';
import { targetNames } from '../generator/emit/targets.js';
import { complaintAbout, complaintAboutDialect, importExtensions, int64Modes } from './options.js';

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

/** Every key of a configuration. */
export const configKeys: Readonly<Record<keyof Config, Rule>> = {
  schema: text,
  output: text,
  dialect: (value) => text(value) ?? describe(complaintAboutDialect(value as string), value),
  targets: listOf(targetNames),
  int64: oneOf(int64Modes),
  importExtension: oneOf(importExtensions),
  runtimeImport: text,
  define: switches,
  onlyDefined: flag,
  openEnums: flag,
};
