import { isJsonObject, type JsonValue } from '../../runtime/json/value.js';
import { examine } from '../../runtime/visit/codec.js';
import { ModelVisits } from '../schema-visits.js';
import type { Check, Subject } from './check.js';
import type { EventMessage } from './wire-watch.js';

/** Holds the events that came during the other checks against the schema. */
export function checkEvents({ events, schema, isPresent }: Subject): Check[] {
  const visits = new ModelVisits(isPresent);
  const problems = new Map<string, Set<string>>();
  for (const message of events) {
    const found = problems.get(message.event) ?? new Set();
    problems.set(message.event, found);
    const definition = schema.lookup(message.event);
    if (definition?.kind !== 'event') found.add(`${message.event}: the schema does not have it`);
    else
      for (const problem of dataProblems(message, definition.arguments && visits.of(definition.arguments)))
        found.add(problem);
    for (const problem of messageProblems(message)) found.add(problem);
  }
  return [...problems].map(([name, found]): Check => ({ group: 'events', name, problems: [...found] }));
}

function dataProblems({ event, data }: EventMessage, visit: ReturnType<ModelVisits['of']> | undefined): string[] {
  if (visit) return examine(visit, data ?? {}).map(({ message }) => `${event}.data: ${message}`);
  return data === undefined ? [] : [`${event}.data: there is some, where the schema has none`];
}

function messageProblems({ event, timestamp, ...others }: EventMessage): string[] {
  const { seconds, microseconds } = isJsonObject(timestamp) ? timestamp : {};
  const problems = isInteger(seconds) && isInteger(microseconds) ? [] : [`${event}: it has no timestamp`];
  for (const key of Object.keys(others)) if (key !== 'data') problems.push(`${event}: it has a member '${key}'`);
  return problems;
}

const isInteger = (value: JsonValue | undefined): boolean => typeof value === 'bigint' || Number.isInteger(value);
