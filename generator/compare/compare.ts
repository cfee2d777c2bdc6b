import type { Command, Event, ObjectType, Schema, Type } from '../schema/model.js';
import type { Change } from './change.js';
import { compareElements, type Depth } from './elements.js';
import { Findings, type Place } from './findings.js';
import { bothMarks, unmarked } from './marks.js';
import { compareDocumentation, compareTypeNames } from './source.js';
import { Walk } from './walk.js';

/** What to compare beside the wire. */
export interface CompareSchemasOptions {
  /**
   * Whether one of the schemas was made from introspection data, which have no widths of integers, no conditions and no
   * `allow-preconfig`: these are then not compared. Default: false.
   */
  readonly introspection?: boolean;
  /** Whether to compare the names of types, which are names in generated code. Default: false. */
  readonly source?: boolean;
  /** Whether to compare documentation. Default: false. */
  readonly documentation?: boolean;
}

/**
 * What changes for clients of a server, and for the server itself, when it follows another schema: each change once, with all
 * commands and events that it reaches, what breaks first. Types count by what they are on the wire; with all conditions true.
 *
 * @param old the schema that clients were written for
 * @param now the schema that the server follows
 *
 * @example
 * ```ts
 * for (const { severity, entities, path, message } of compareSchemas(old, now)) {
 *   if (severity === 'breaks') console.error(entities.join(), path, message);
 * }
 * ```
 */
export function compareSchemas(old: Schema, now: Schema, options: CompareSchemasOptions = {}): Change[] {
  const { introspection = false, source = false, documentation = false } = options;
  const comparison = new Comparison(old, now, introspection ? 'introspection' : 'schema');
  comparison.run();
  if (source) compareTypeNames(old, now, comparison.findings);
  if (documentation && !introspection) compareDocumentation(old, now, comparison.findings);
  return comparison.findings.changes();
}

class Comparison {
  readonly findings = new Findings();
  readonly #old: Schema;
  readonly #new: Schema;
  readonly #depth: Depth;
  readonly #walk: Walk;

  constructor(old: Schema, now: Schema, depth: Depth) {
    this.#old = old;
    this.#new = now;
    this.#depth = depth;
    this.#walk = new Walk(this.findings, depth);
  }

  run(): void {
    for (const entity of entitiesOf(this.#old)) {
      const other = this.#new.lookup(entity.name);
      if (entity.kind === 'command' && other?.kind === 'command') this.#commands(entity, other);
      else if (entity.kind === 'event' && other?.kind === 'event') this.#events(entity, other);
      else this.#presence(entity, undefined);
    }
    for (const entity of entitiesOf(this.#new)) {
      if (this.#old.lookup(entity.name)?.kind !== entity.kind) this.#presence(undefined, entity);
    }
  }

  #presence(old: Command | Event | undefined, now: Command | Event | undefined): void {
    const { kind, name, span } = (old ?? now) as Command | Event;
    const place: Place = { entity: name, path: '', marks: bothMarks(unmarked, old, now) };
    const details = { message: `the ${kind} is ${old ? 'gone' : 'new'}`, name: { of: kind, name } };
    this.findings.report(`${kind}-${old ? 'removed' : 'added'}`, name, place, {
      ...details,
      ...(old ? { old: name, oldPlace: span } : { new: name, newPlace: span }),
    });
  }

  #commands(old: Command, now: Command): void {
    const { name } = old;
    const place: Place = { entity: name, path: '', marks: bothMarks(unmarked, old, now) };
    const sides = { oldPlace: old.span, newPlace: now.span };
    compareElements(old, now, name, place, this.findings, this.#depth, 'the command');
    if (old.allowOob !== now.allowOob) {
      const message = now.allowOob ? 'it can be executed out of band' : 'it cannot be executed out of band any more';
      this.findings.report(now.allowOob ? 'oob-gained' : 'oob-lost', name, place, { message, ...sides });
    }
    if (old.allowPreconfig !== now.allowPreconfig && this.#depth === 'schema') {
      const can = now.allowPreconfig ? 'it can' : 'it cannot';
      const message = `${can} be executed before the configuration ends, which introspection does not show`;
      const kind = now.allowPreconfig ? 'preconfig-gained' : 'preconfig-lost';
      this.findings.report(kind, name, place, { message, ...sides });
    }
    const unchecked = !old.gen || !now.gen;
    const sent: Place = { ...place, direction: 'sent', path: 'arguments', unchecked };
    const received: Place = { ...place, direction: 'received', path: 'returns' };
    this.#walk.from(this.#dataOf(old, this.#old), this.#dataOf(now, this.#new), sent, `arguments ${name}`, sides);
    const [before, after] = [old.returns ?? emptyOf(this.#old), now.returns ?? emptyOf(this.#new)];
    this.#walk.from(before, after, received, `returns ${name}`, sides);
  }

  #events(old: Event, now: Event): void {
    const { name } = old;
    const place: Place = { entity: name, path: '', marks: bothMarks(unmarked, old, now) };
    compareElements(old, now, name, place, this.findings, this.#depth, 'the event');
    const data: Place = { ...place, direction: 'received', path: 'data' };
    const sides = { oldPlace: old.span, newPlace: now.span };
    this.#walk.from(this.#dataOf(old, this.#old), this.#dataOf(now, this.#new), data, `data ${name}`, sides);
  }

  #dataOf(entity: Command | Event, schema: Schema): Type {
    return entity.arguments ?? emptyOf(schema);
  }
}

function entitiesOf(schema: Schema): (Command | Event)[] {
  return schema.definitions.filter((definition) => definition.kind === 'command' || definition.kind === 'event');
}

/** The object without members: no arguments, no result and no data are that on the wire. */
function emptyOf(schema: Schema): ObjectType {
  return schema.lookup('q_empty') as ObjectType;
}
