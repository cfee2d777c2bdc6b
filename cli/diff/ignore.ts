import { resolve } from 'node:path';
import type { Change } from '../../generator/compare/change.js';
import { type ChangeKind, changeKinds } from '../../generator/compare/kinds.js';
import { readRegularFile, reasonOf } from '../../generator/syntax/regular-file.js';
import { didYouMean } from '../../generator/text/near-miss.js';
import type { Host } from '../host.js';
import { UserError } from '../user-error.js';

/** Changes that count for nothing, and why. What is left out of a rule fits everything. */
export interface IgnoreRule {
  readonly kind?: ChangeKind;
  /** A command or event that the change reaches. */
  readonly entity?: string;
  /** The path of any of its uses. */
  readonly path?: string;
  readonly reason: string;
}

const keys = ['kind', 'entity', 'path', 'reason'] as const;
const example = '[ { "kind": "enum-value-added", "entity": "query-block", "reason": "we have a default case" } ]';

/**
 * Reads a file of rules: a JSON list of objects.
 *
 * @throws UserError when there is no such file, or it holds something else
 */
export function readIgnoreFile(path: string, { cwd }: Host): IgnoreRule[] {
  const complain = (what: string): UserError =>
    new UserError(`${path}: ${what}`, { hint: `the file holds a list such as ${example}` });
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(readRegularFile(resolve(cwd, path))).toString());
  } catch (error) {
    throw complain(error instanceof SyntaxError ? error.message : reasonOf(error));
  }
  if (!Array.isArray(value)) throw complain('it is not a list');
  return value.map((rule, index) => {
    const complaint = complaintAbout(rule);
    if (complaint !== undefined) throw complain(`its element ${index} ${complaint}`);
    return rule as IgnoreRule;
  });
}

function complaintAbout(rule: unknown): string | undefined {
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) return 'is not an object';
  for (const [key, value] of Object.entries(rule)) {
    if (!keys.some((known) => known === key))
      return `has the unknown key '${key}'; ${didYouMean(key, keys) ?? ''}`.trim();
    if (typeof value !== 'string' || value === '') return `has no text as '${key}'`;
  }
  const { kind, reason } = rule as { kind?: string; reason?: string };
  if (reason === undefined) return "has no 'reason'";
  if (Object.keys(rule).length === 1) return "has nothing but a reason: it must name a 'kind', an 'entity' or a 'path'";
  if (kind !== undefined && !Object.hasOwn(changeKinds, kind)) {
    return `has the unknown kind '${kind}'; ${didYouMean(kind, Object.keys(changeKinds)) ?? ''}`.trim();
  }
  return undefined;
}

/** The rule that a change falls under, if there is one. */
export function ruleFor(change: Change, rules: readonly IgnoreRule[]): IgnoreRule | undefined {
  return rules.find(
    ({ kind, entity, path }) =>
      (kind === undefined || kind === change.kind) &&
      change.uses
        .concat({ entity: '', path: change.path })
        .some((use) => (entity === undefined || use.entity === entity) && (path === undefined || use.path === path)),
  );
}
