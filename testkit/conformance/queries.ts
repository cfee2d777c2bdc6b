import type { Command } from '../../generator/schema/model.js';
import { isJsonObject, type JsonValue } from '../../runtime/json/value.js';
import { examine } from '../../runtime/visit/codec.js';
import { Samples } from '../samples.js';
import { ModelVisits } from '../schema-visits.js';
import { type Check, type Subject, sharedCommands } from './check.js';
import { guestAgent } from './program-kind.js';

/** Executes every query that needs no arguments, and holds the reply against the schema. */
export async function* checkQueries(subject: Subject): AsyncIterable<Check> {
  const check = checker('queries', subject);
  const samples = new Samples(subject.isPresent);
  for (const command of sharedCommands(subject)) {
    const args = command.arguments && samples.of(command.arguments);
    const isFree = args === undefined ? !command.arguments : isJsonObject(args) && Object.keys(args).length === 0;
    if (subject.kind.isQuery(command.name) && isFree) yield await check(command, undefined);
  }
}

/** Executes every command with the smallest arguments that the schema accepts. The one that ends the program comes last. */
export async function* checkExecutions(subject: Subject): AsyncIterable<Check> {
  const check = checker('executions', subject);
  const samples = new Samples(subject.isPresent);
  const commands = sharedCommands(subject).filter(({ name }) => name !== 'qmp_capabilities');
  const quit = commands.filter(({ name }) => name === 'quit');
  for (const command of [...commands.filter(({ name }) => name !== 'quit'), ...quit]) {
    yield await check(command, command.arguments && samples.of(command.arguments));
  }
}

function checker(
  group: Check['group'],
  { exchange, kind, listed, isPresent }: Subject,
): (command: Command, args: JsonValue | undefined) => Promise<Check> {
  const visits = new ModelVisits(isPresent);
  return async ({ name, returns, successResponse }, args) => {
    const check = { group, name, requests: 1 };
    if (!successResponse) return { ...check, requests: 0, problems: [], skipped: 'its success is not answered' };
    const { value, errorClass, description, problems } = await exchange.ask(name, args);
    const found = problems.map((problem) => `${name}: ${problem}`);
    if (value === undefined) {
      // A command may have nothing to report, but it must be there.
      const isDisabled = kind === guestAgent && listed?.has(name) === false;
      const absent = errorClass === 'CommandNotFound' && !isDisabled && 'it is described, but not there';
      if (absent) found.push(`${name}: ${absent}`);
      return found.length > 0
        ? { ...check, problems: found }
        : { ...check, problems: [], skipped: `answered with ${errorClass}: ${description}` };
    }
    const differences = returns ? examine(visits.of(returns), value) : unlikeNothing(value);
    return { ...check, problems: [...found, ...differences.map(({ message }) => `${name}.returns: ${message}`)] };
  };
}

/** A command that returns nothing returns an empty object. */
function unlikeNothing(value: JsonValue): { readonly message: string }[] {
  const isEmpty = isJsonObject(value) && Object.keys(value).length === 0;
  return isEmpty ? [] : [{ message: 'there is something, where the schema has nothing' }];
}
