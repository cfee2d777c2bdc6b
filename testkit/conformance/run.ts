import type { SchemaInfo } from '../../generator/schema/introspect.js';
import type { Schema } from '../../generator/schema/model.js';
import { isJsonObject } from '../../runtime/json/value.js';
import { QmpConnectionError } from '../../runtime/qmp/failure.js';
import type { Check, Subject } from './check.js';
import { checkEvents } from './events.js';
import type { Exchange } from './exchange.js';
import { checkIntrospection } from './introspection.js';
import { checkExecutions, checkQueries } from './queries.js';
import { checkProtocol, checkRefusals } from './refusals.js';

/** How to check a program. */
export interface ConformanceOptions {
  /** Whether to execute every command with valid arguments, whatever that does to the program. */
  readonly executeValid?: boolean;
}

/**
 * Checks in all respects whether a program speaks what a schema says.
 *
 * @param infos what the program's `query-qmp-schema` returns
 */
export async function checkConformance(
  exchange: Exchange,
  schema: Schema,
  infos: readonly SchemaInfo[],
  { executeValid = false }: ConformanceOptions,
): Promise<Check[]> {
  const { checks: introspection, absent } = checkIntrospection(schema, infos);
  const listed = await listedCommands(exchange);
  const subject: Subject = { exchange, schema, infos, listed, isPresent: (part) => !absent.has(part) };
  const checks: Check[] = [...introspection];
  const parts = [checkProtocol, checkQueries, checkRefusals, ...(executeValid ? [checkExecutions] : [])];
  try {
    for (const part of parts) for await (const check of part(subject)) checks.push(check);
  } catch (error) {
    if (!(error instanceof QmpConnectionError)) throw error;
    // A program that quits hangs up.
    if (!(executeValid && checks.at(-1)?.name === 'quit')) {
      checks.push({
        group: 'protocol',
        name: 'connection',
        problems: [`${error.message}; what follows was not checked`],
      });
    }
  }
  return [...checks, ...checkEvents(subject)];
}

async function listedCommands(exchange: Exchange): Promise<Set<string> | undefined> {
  const { value } = await exchange.ask('query-commands');
  if (!Array.isArray(value)) return undefined;
  return new Set(value.filter(isJsonObject).flatMap(({ name }) => (typeof name === 'string' ? [name] : [])));
}
