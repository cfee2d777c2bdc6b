import { isJsonObject, type JsonObject } from '../../runtime/json/value.js';
import { OptionError } from '../../runtime/visit/option-error.js';
import { visitEmpty } from '../../runtime/visit/scalars.js';
import { VisitError } from '../../runtime/visit/visit-error.js';
import type { Visit } from '../../runtime/visit/visitor.js';
import { ArgumentVisitor } from './argument-visitor.js';
import { hasFreeProperties, readFreeProperties } from './free-properties.js';
import type { Knowledge } from './knowledge.js';
import { nearName } from './near-name.js';
import { endOfJson, IncompleteError, type ParameterTree, readJson, readParameters } from './parameters.js';

/** A command to execute. */
export interface Request {
  readonly command: string;
  readonly arguments?: JsonObject;
  readonly oob: boolean;
}

/**
 * Reads a line as a person writes it: a command, and its arguments as key=value text or JSON; or a whole request in JSON.
 *
 * @example
 * block_resize node-name=disk0 size=10G
 * block_resize {"node-name": "disk0", "size": 1024}
 * {"execute": "query-status"}
 * @throws OptionError that says what is wrong with the line
 */
export async function readRequest(line: string, knowledge: Knowledge): Promise<Request> {
  const text = line.trim();
  if (text.startsWith('{')) return requestOf(readObject(text));
  const { command, rest } = partsOf(text);
  if (rest === '') return { command, oob: false };
  if (rest.startsWith('{')) return { command, arguments: readObject(rest), oob: false };
  const definition = knowledge.command(command);
  if (!definition) {
    const near = nearName(command, knowledge.commands);
    throw new OptionError(
      near === undefined || knowledge.commands.includes(command)
        ? `the schema does not have '${command}', so its arguments must be JSON, such as { "key": 1 }`
        : `there is no command '${command}': did you mean '${near}'?`,
    );
  }
  const tree = readParameters(rest);
  const free = hasFreeProperties(definition) ? await readFreeProperties(definition, tree, knowledge) : {};
  const declared = Object.fromEntries(Object.entries(tree).filter(([key]) => !Object.hasOwn(free, key)));
  const visit = definition.arguments ? knowledge.visits.of(definition.arguments) : visitEmpty;
  return { command, arguments: { ...readArguments(visit as Visit<JsonObject>, declared), ...free }, oob: false };
}

/** Whether a line has begun JSON that does not end: the next line belongs to it. */
export function awaitsMore(line: string): boolean {
  const text = line.trim();
  const { rest } = partsOf(text);
  try {
    if (text.startsWith('{')) endOfJson(text, 0);
    else if (rest.startsWith('{')) endOfJson(rest, 0);
    else readParameters(rest);
  } catch (error) {
    return error instanceof IncompleteError;
  }
  return false;
}

/** What parameters say as arguments of a type. */
export function readArguments(visit: Visit<JsonObject>, tree: { [key: string]: ParameterTree }): JsonObject {
  try {
    return visit(new ArgumentVisitor(), tree);
  } catch (error) {
    if (!(error instanceof VisitError)) throw error;
    const key = error.path.join('.');
    throw new OptionError(key === '' ? error.problem : `'${key}': ${error.problem}`, key);
  }
}

/** The first word of a line, and what stands behind it. */
export function partsOf(text: string): { readonly command: string; readonly rest: string } {
  const [, command = '', rest = ''] = /^([^\s{]\S*)?\s*(.*)$/s.exec(text) ?? [];
  return { command, rest };
}

/** An object in JSON. */
export function readObject(text: string): JsonObject {
  endOfJson(text, 0);
  return readJson(text) as JsonObject;
}

function requestOf(message: JsonObject): Request {
  const { execute, 'exec-oob': outOfBand, arguments: args, id: _, ...others } = message;
  const [other] = Object.keys(others);
  if (other !== undefined) throw new OptionError(`a request has no member '${other}'`);
  const command = execute ?? outOfBand;
  if (typeof command !== 'string') throw new OptionError("a request names its command in 'execute' or 'exec-oob'");
  if (args !== undefined && !isJsonObject(args)) throw new OptionError("the 'arguments' of a request are an object");
  return { command, ...(args && { arguments: args }), oob: execute === undefined };
}
