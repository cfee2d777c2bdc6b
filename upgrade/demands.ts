import type { Change } from '../generator/compare/change.js';
import type { Member, ObjectType, Schema } from '../generator/schema/model.js';
import type { ChangeIndex } from './change-index.js';
import { counterpartOf, membersFor } from './counterpart.js';
import { documentedDefault } from './documented-default.js';
import type { Meaning } from './meaning.js';
import { isHarmful } from './removal.js';

/** A member that an object must have from now on. */
export interface Demand {
  readonly member: Member;
  readonly change: Change;
  /** The documented default, as TypeScript. */
  readonly value?: string | undefined;
}

/** What finding them takes. */
export interface DemandSearch {
  readonly meaning: Meaning;
  readonly changes: ChangeIndex;
  readonly now: Schema;
}

/**
 * The members that an object of a type need not have by the old schema and must have by the new one.
 *
 * @param tagValue the value of a discriminator in the object, as far as it is known
 */
export function demandsOf(
  { meaning, changes, now }: DemandSearch,
  type: ObjectType,
  tagValue: (tag: string) => string | undefined,
): Demand[] {
  const other = counterpartOf(type, meaning.names, meaning.schema, now);
  const [before, after] = [membersFor(type, tagValue), other && membersFor(other, tagValue)];
  if (!other || !before || !after) return [];
  const demands: Demand[] = [];
  for (const member of after.values()) {
    const known = before.get(member.name);
    if (member.optional || (known && !known.optional)) continue;
    const change = changes.at(member.span).find(isDemand);
    if (!change) continue;
    const value = documentedDefault(member, [docOf(now, other, member), docOf(meaning.schema, type, member)]);
    demands.push({ member, change, value });
  }
  return demands;
}

/** What the documentation says of a member: that of the definition in which it stands, or of the type that has it. */
function docOf(schema: Schema, type: ObjectType, { name, span }: Member): string | undefined {
  const around = schema.definitions.find(
    (definition) =>
      definition.doc &&
      definition.span?.file === span.file &&
      definition.span.start <= span.start &&
      span.end <= definition.span.end,
  );
  const described = [type.doc, around?.doc].flatMap((doc) => doc?.arguments ?? []);
  return described.find((argument) => argument.name === name)?.text;
}

function isDemand(change: Change): boolean {
  return /^(mandatory-member-added|member-made-mandatory)$/.test(change.kind) && isHarmful(change);
}
