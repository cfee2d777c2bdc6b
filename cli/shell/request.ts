import { nearMiss } from '../../generator/text/near-miss.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../runtime/json/value.js';
import { parseKeyval } from '../../runtime/visit/keyval-text.js';
import { OptionError } from '../../runtime/visit/option-error.js';
import { readOption } from '../../runtime/visit/options.js';
import { visitAny, visitEmpty } from '../../runtime/visit/scalars.js';
import { VisitError } from '../../runtime/visit/visit-error.js';
import type { Visit } from '../../runtime/visit/visitor.js';
import { ArgumentVisitor } from './argument-visitor.js';
import type { Knowledge } from './knowledge.js';

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
  if (text.startsWith('{')) return requestOf(readJson(text));
  const [, command = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? [];
  if (rest === '') return { command, oob: false };
  if (rest.startsWith('{')) return { command, arguments: readJson(rest), oob: false };
  const definition = knowledge.command(command);
  if (!definition) {
    const near = nearMiss(command, knowledge.commands);
    throw new OptionError(
      near === undefined || knowledge.commands.includes(command)
        ? `the schema does not have '${command}', so its arguments must be JSON, such as { "key": 1 }`
        : `there is no command '${command}': did you mean '${near}'?`,
    );
  }
  const visit = definition.arguments ? knowledge.visits.of(definition.arguments) : visitEmpty;
  return { command, arguments: readArguments(visit as Visit<JsonObject>, asOneParameter(rest)), oob: false };
}

function readArguments(visit: Visit<JsonObject>, text: string): JsonObject {
  try {
    return visit(new ArgumentVisitor(), parseKeyval(text).tree);
  } catch (error) {
    if (!(error instanceof VisitError)) throw error;
    const key = error.path.join('.');
    throw new OptionError(key === '' ? error.problem : `'${key}': ${error.problem}`, key);
  }
}

/** JSON as a QMP server takes it: strings may stand in single quotes, too. */
function readJson(text: string): JsonObject {
  return readOption(visitAny as Visit<JsonValue>, text) as JsonObject;
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

/** Puts commas between words. In quotes, spaces and commas are part of a value. */
function asOneParameter(text: string): string {
  let result = '';
  let separated = true;
  let quote: string | undefined;
  for (const character of text) {
    const isSeparator = quote === undefined && /[\s,]/.test(character);
    if (isSeparator && separated) continue;
    if (character === quote) quote = undefined;
    else if (quote === undefined && (character === '"' || character === "'")) quote = character;
    else if (isSeparator) result += ',';
    else result += character === ',' ? ',,' : character;
    separated = isSeparator;
  }
  if (quote !== undefined) throw new OptionError(`the quote ${quote} is not closed`);
  return result;
}
