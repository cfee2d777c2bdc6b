import type { SchemaInfo } from '../../generator/schema/introspect.js';

/** What `query-qmp-schema` returns, by name. */
export type Introspection = ReadonlyMap<string, SchemaInfo>;

export function byName(infos: readonly SchemaInfo[]): Introspection {
  return new Map(infos.map((info) => [info.name, info]));
}

/**
 * The differences on the wire between a command or event as it should be and as it is, each with its path:
 * `block-stream.arguments.speed: required, not optional`. Types are followed to the end; their names mean nothing on
 * the wire and are not compared. Neither are features, which say nothing about shapes.
 */
export function wireDifferences(expected: Introspection, actual: Introspection, name: string): string[] {
  const compared = new Set<string>();
  return [...entities()];

  function* entities(): Iterable<string> {
    const [wanted, found] = [expected.get(name), actual.get(name)];
    if (wanted?.['meta-type'] === 'command' && found?.['meta-type'] === 'command') {
      yield* types(`${name}.arguments`, wanted['arg-type'], found['arg-type']);
      yield* types(`${name}.returns`, wanted['ret-type'], found['ret-type']);
    } else if (wanted?.['meta-type'] === 'event' && found?.['meta-type'] === 'event') {
      yield* types(`${name}.data`, wanted['arg-type'], found['arg-type']);
    } else {
      yield* values(name, wanted?.['meta-type'] ?? 'missing', found?.['meta-type'] ?? 'missing');
    }
  }

  function* types(path: string, wantedName: string, foundName: string): Iterable<string> {
    const pair = `${wantedName} ${foundName}`;
    if (compared.has(pair)) return;
    compared.add(pair);
    const wanted = described(expected, wantedName);
    const found = described(actual, foundName);
    if (wanted['meta-type'] === 'builtin' && found['meta-type'] === 'builtin') {
      yield* values(path, wanted['json-type'], found['json-type']);
    } else if (wanted['meta-type'] === 'enum' && found['meta-type'] === 'enum') {
      yield* values(path, `{${wanted.values}}`, `{${found.values}}`);
    } else if (wanted['meta-type'] === 'array' && found['meta-type'] === 'array') {
      yield* types(`${path}[]`, wanted['element-type'], found['element-type']);
    } else if (wanted['meta-type'] === 'alternate' && found['meta-type'] === 'alternate') {
      yield* values(path, `${wanted.members.length} choices`, `${found.members.length} choices`);
      for (const [i, choice] of wanted.members.entries()) {
        const other = found.members[i];
        if (other) yield* types(`${path}|${i}`, choice.type, other.type);
      }
    } else if (wanted['meta-type'] === 'object' && found['meta-type'] === 'object') {
      yield* objects(path, wanted, found);
    } else {
      yield* values(path, wanted['meta-type'], found['meta-type']);
    }
  }

  function* objects(path: string, wanted: ObjectInfo, found: ObjectInfo): Iterable<string> {
    yield* values(path, list(wanted.members, 'name'), list(found.members, 'name'));
    for (const member of wanted.members) {
      const other = found.members.find(({ name }) => name === member.name);
      if (!other) continue;
      yield* values(`${path}.${member.name}`, presence(member), presence(other));
      yield* types(`${path}.${member.name}`, member.type, other.type);
    }
    yield* values(path, `tag ${wanted.tag}`, `tag ${found.tag}`);
    const [wantedVariants, foundVariants] = [wanted.variants ?? [], found.variants ?? []];
    yield* values(path, `variants ${list(wantedVariants, 'case')}`, `variants ${list(foundVariants, 'case')}`);
    for (const variant of wantedVariants) {
      const other = foundVariants.find((candidate) => candidate.case === variant.case);
      if (other) yield* types(`${path}<${variant.case}>`, variant.type, other.type);
    }
  }
}

type ObjectInfo = Extract<SchemaInfo, { 'meta-type': 'object' }>;

function* values(path: string, wanted: string, found: string): Iterable<string> {
  if (wanted !== found) yield `${path}: ${found}, not ${wanted}`;
}

function described(introspection: Introspection, name: string): SchemaInfo {
  const info = introspection.get(name);
  if (!info) throw new Error(`The introspection data refers to "${name}" without describing it`);
  return info;
}

function presence(member: { default?: null }): string {
  return 'default' in member ? 'optional' : 'required';
}

function list<K extends string>(items: readonly Record<K, string>[], key: K): string {
  return `{${items.map((item) => item[key])}}`;
}
