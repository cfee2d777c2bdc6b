import type { AlternateDraft, BranchDraft, TypeDraft } from '../draft.js';
import type { CheckContext } from './context.js';

/** The JSON type of a value, as far as the branch of an alternate is chosen by it. */
type JsonType = 'null' | 'bool' | 'int' | 'number' | 'string' | 'array' | 'object';

/**
 * Checks that the branches of an alternate can be distinguished by the JSON type of the value, in order of writing.
 *
 * @param before called for each branch before it is compared with the earlier ones
 */
export function checkDistinction(
  alternate: AlternateDraft,
  context: CheckContext,
  before: (branch: BranchDraft) => void,
): void {
  const seen = new Map<JsonType, string>();
  for (const branch of alternate.branches) {
    before(branch);
    const type = branch.type.target;
    if (!type || (branch.type.array && !context.dialect.has('arrays in alternates'))) continue;
    const json = jsonType(type, context);
    if (!json) {
      context.report('indeterminate-branch', { name: branch.name, type: type.name }, branch.type.span);
      continue;
    }
    const taken = [json, ...textForms(type, json, context)];
    const conflict = taken.find((form) => seen.has(form));
    const earlier = conflict && seen.get(conflict);
    if (earlier === undefined) for (const form of taken) seen.set(form, branch.name);
    else {
      const other = alternate.branches.find(({ name }) => name === earlier);
      const related = other && [{ message: `branch '${earlier}'`, span: other.span }];
      context.report('indistinguishable-branches', { name: branch.name, earlier }, branch.span, { related });
    }
  }
}

function jsonType(type: TypeDraft, { dialect }: CheckContext): JsonType | undefined {
  switch (type.kind) {
    case 'object':
      return 'object';
    case 'array':
      return dialect.has('arrays in alternates') ? 'array' : undefined;
    case 'enum':
      return 'string';
    case 'alternate':
      return undefined;
    case 'builtin':
      switch (type.json) {
        case 'boolean':
          return 'bool';
        case 'int':
          return dialect.has('alternates of int and number') ? 'int' : 'number';
        case 'value':
          return undefined;
        default:
          return type.json;
      }
  }
}

/** The types whose values a command line may spell like the strings of this one: from 2.10 a conflict too. */
function textForms(type: TypeDraft, json: JsonType, { dialect }: CheckContext): JsonType[] {
  if (json !== 'string' || dialect.has('alternates by JSON type alone')) return [];
  if (type.kind !== 'enum' || (type.implicit && dialect.has('QType like a string'))) return ['number', 'bool'];
  const forms: JsonType[] = [];
  if (type.members.some(({ name }) => name === 'on' || name === 'off')) forms.push('bool');
  if (type.members.some(({ name }) => /^[-+.0-9]/.test(name))) forms.push('number');
  return forms;
}
