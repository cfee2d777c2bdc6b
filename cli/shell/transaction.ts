import type { ObjectType } from '../../generator/schema/model.js';
import type { JsonObject } from '../../runtime/json/value.js';
import { OptionError } from '../../runtime/visit/option-error.js';
import type { Visit } from '../../runtime/visit/visitor.js';
import { branchesOf, commonMembers } from '../../testkit/model-members.js';
import type { Knowledge } from './knowledge.js';
import { nearName } from './near-name.js';
import { readParameters } from './parameters.js';
import { partsOf, readArguments, readObject } from './request.js';

const always = (): boolean => true;

/** The actions that a transaction can have, and what each takes; undefined when the schema does not say. */
export function actionTypes({ command }: Pick<Knowledge, 'command'>): ReadonlyMap<string, ObjectType> | undefined {
  const args = command('transaction')?.arguments;
  const list = args?.kind === 'struct' && commonMembers(args, always).find(({ name }) => name === 'actions')?.type;
  const action = list && list.kind === 'array' ? list.element : undefined;
  if (action?.kind !== 'union') return undefined;
  return new Map(
    branchesOf(action, always).flatMap(({ name, type }): [string, ObjectType][] => {
      // The branch has one member, which holds the arguments.
      const data = type.kind === 'struct' && commonMembers(type, always).find((member) => member.name === 'data')?.type;
      return data && (data.kind === 'struct' || data.kind === 'union') ? [[name, data]] : [];
    }),
  );
}

/**
 * Reads a line of a transaction: an action and its arguments as key=value text or JSON, or a whole action in JSON.
 *
 * @throws OptionError that says what is wrong with it
 */
export function readAction(line: string, knowledge: Knowledge): JsonObject {
  if (line.startsWith('{')) return readObject(line);
  const { command: type, rest } = partsOf(line);
  if (rest.startsWith('{')) return { type, data: readObject(rest) };
  const types = actionTypes(knowledge);
  const taken = types?.get(type);
  if (!taken) {
    const near = nearName(type, types?.keys() ?? []);
    throw new OptionError(
      types === undefined
        ? `the schema does not have the actions of transactions, so their arguments must be JSON: ${type} { "key": 1 }`
        : `transactions have no action '${type}'${near === undefined ? '' : `: did you mean '${near}'?`}`,
    );
  }
  return { type, data: readArguments(knowledge.visits.of(taken) as Visit<JsonObject>, readParameters(rest)) };
}
