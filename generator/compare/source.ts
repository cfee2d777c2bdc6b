import type { Definition, Schema } from '../schema/model.js';
import type { DocBlock } from '../syntax/doc-block.js';
import type { Findings, Place } from './findings.js';
import { unmarked } from './marks.js';

/** Compares the names of types. On the wire they mean nothing; generated code declares them. */
export function compareTypeNames(old: Schema, now: Schema, findings: Findings): void {
  for (const type of namedTypes(old)) {
    if (isType(now.lookup(type.name))) continue;
    const message = `no type is called '${type.name}' any more`;
    const details = { message, old: type.name, oldPlace: type.span, name: { of: 'type', name: type.name } };
    findings.report('type-name-removed', type.name, nowhere, details);
  }
  for (const type of namedTypes(now)) {
    if (isType(old.lookup(type.name))) continue;
    const details = { message: `type '${type.name}' is new`, new: type.name, newPlace: type.span };
    findings.report('type-name-added', type.name, nowhere, { ...details, name: { of: 'type', name: type.name } });
  }
}

/** Compares what is written about definitions, by their names. Where the lines break means nothing. */
export function compareDocumentation(old: Schema, now: Schema, findings: Findings): void {
  for (const definition of old.definitions) {
    const other = now.lookup(definition.name);
    if (definition.implicit || !other || textOf(definition.doc) === textOf(other.doc)) continue;
    const place: Place = { entity: definition.name, path: '', marks: unmarked };
    const sides = { oldPlace: definition.span, newPlace: other.span };
    const message = `the documentation of '${definition.name}' says something else`;
    findings.report('documentation-changed', definition.name, isType(definition) ? nowhere : place, {
      message,
      ...sides,
    });
  }
}

/** Types are no commands or events. */
const nowhere: Place = { entity: '', path: '', marks: unmarked };

function isType(definition: Definition | undefined): boolean {
  return definition !== undefined && definition.kind !== 'command' && definition.kind !== 'event';
}

function namedTypes(schema: Schema): Definition[] {
  return schema.definitions.filter((definition) => isType(definition) && !definition.implicit);
}

function textOf(doc: DocBlock | undefined): string {
  if (!doc) return '';
  const parts = [
    doc.body,
    ...doc.arguments.map(({ name, text }) => `${name} ${text}`),
    ...doc.features.map(({ name, text }) => `${name} ${text}`),
    ...doc.sections.map(({ tag, text }) => `${tag} ${text}`),
  ];
  return parts.map((part) => part.replace(/\s+/g, ' ').trim()).join('\n');
}
