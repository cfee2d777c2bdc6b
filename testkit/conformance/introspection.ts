import { compareIntrospection } from '../../generator/schema/compare.js';
import { describeCondition } from '../../generator/schema/condition.js';
import { introspect, type SchemaInfo } from '../../generator/schema/introspect.js';
import { findMissing } from '../../generator/schema/missing.js';
import type { Conditional, Schema } from '../../generator/schema/model.js';
import type { Check, Excused } from './check.js';

/** What the comparison of a program's introspection with the schema's has shown. */
export interface IntrospectionResult {
  /** One for each command and event of either. */
  readonly checks: readonly Check[];
  /** The conditional parts of the schema that the program lacks. */
  readonly absent: ReadonlySet<Conditional>;
}

/** Compares what a program says of itself with what its schema says: commands and events with all that they reach. */
export function checkIntrospection(schema: Schema, infos: readonly SchemaInfo[]): IntrospectionResult {
  const expected = introspect(schema);
  const names = [...expected, ...infos]
    .filter((info) => info['meta-type'] === 'command' || info['meta-type'] === 'event')
    .map(({ name }) => name);
  const problems = new Map<string, string[]>(names.map((name) => [name, []]));
  const excused = new Map<string, Excused[]>(names.map((name) => [name, []]));
  const absent = new Set<Conditional>();
  for (const { entity, path, message, missing } of compareIntrospection(expected, infos, { features: true })) {
    const part = missing && findMissing(schema, missing);
    if (part?.condition) {
      absent.add(part);
      const what = missing?.feature === undefined ? path : `${path} (feature '${missing.feature}')`;
      excused.get(entity)?.push({ path: what, condition: describeCondition(part.condition.value) });
    } else {
      problems.get(entity)?.push(`${path}: ${message}`);
    }
  }
  for (const name of repeated(infos)) problems.get(name)?.push(`${name}: is described twice`);
  const checks = [...problems].map(
    ([name, found]): Check => ({ group: 'introspection', name, problems: found, excused: excused.get(name) ?? [] }),
  );
  return { checks, absent };
}

function repeated(infos: readonly SchemaInfo[]): Set<string> {
  const seen = new Set<string>();
  return new Set(infos.map(({ name }) => name).filter((name) => seen.size === seen.add(name).size));
}
