import type { CommandLineParameterType } from '../../../generated/index.js';
import { nearMiss } from '../../visit/near-miss.js';
import { OptionError } from '../../visit/option-error.js';
import type { BlockOptions } from '../options.js';

/** A parameter of an option of the command line. */
interface Parameter {
  readonly type: CommandLineParameterType;
  /** What it is for, in words meant for people. */
  readonly help: string;
  /** The value that it has if it is not given. */
  readonly default?: string;
}

/** The parameters of an option by name. What reads an option and what `query-command-line-options` reports is the same table. */
export type ParameterTable = { readonly [name: string]: Parameter };

interface TypeOf {
  readonly string: string;
  readonly boolean: boolean;
  readonly number: number;
  readonly size: number;
}

/** The values of those parameters of a table that were given. */
export type ParameterValues<Table extends ParameterTable> = {
  readonly [Name in keyof Table]: TypeOf[Table[Name]['type']] | undefined;
};

/**
 * Takes the parameters of a table out of an option; those that the table does not have stay.
 *
 * @throws BlockError when a value is not of the parameter's type
 */
export function takeParameters<Table extends ParameterTable>(
  options: BlockOptions,
  table: Table,
): ParameterValues<Table> {
  const values = Object.entries(table).map(([name, { type }]) => [name, take(options, name, type)]);
  return Object.fromEntries(values) as ParameterValues<Table>;
}

function take(
  options: BlockOptions,
  name: string,
  type: CommandLineParameterType,
): string | number | boolean | undefined {
  switch (type) {
    case 'boolean':
      return options.takeBoolean(name);
    case 'number':
      return options.takeInteger(name);
    case 'size':
      return options.takeSize(name);
    default:
      return options.takeString(name);
  }
}

/**
 * Sees to it that nothing is left of an option whose parameters are all in a table.
 *
 * @param option its name: `nbd`
 * @throws OptionError that names what is left, and what was perhaps meant
 */
export function refuseOthers(options: BlockOptions, option: string, table: ParameterTable): void {
  const [key] = options.keys();
  if (key === undefined) return;
  const names = Object.keys(table);
  const near = nearMiss(key, names);
  const hint = near === undefined ? `it has ${names.join(', ')}` : `did you mean '${near}'?`;
  throw new OptionError(`--${option} has no parameter '${key}'; ${hint}`, key);
}
