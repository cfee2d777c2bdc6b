import type { Role } from './change.js';
import { listOf } from './describe.js';
import type { ChangeKind } from './kinds.js';

/** What advice can name. */
interface Known {
  /** What seems to have come in the place of what is gone. */
  readonly successor?: string | undefined;
  /** The values that are accepted. */
  readonly values?: readonly string[] | undefined;
  readonly removed: boolean;
}

const toSenders: Partial<Record<ChangeKind, string>> = {
  'command-removed': 'stop issuing it',
  'oob-lost': "issue it with 'execute'",
  'preconfig-lost': 'issue it after the configuration has ended',
  'mandatory-member-added': 'send it always',
  'member-removed': 'stop sending it',
  'member-made-mandatory': 'send it always',
  'member-made-conditional': 'stop sending it where these branches are chosen',
  'enum-value-removed': 'stop sending it',
  'branch-removed': 'stop sending it',
  'type-narrowed': 'send only what is still accepted',
  'type-changed': 'send the new type',
  'string-to-enum': 'this breaks only clients that send other values',
  'integer-range-narrowed': 'send only what is in the range; other values were mostly refused before',
};

const toReceivers: Partial<Record<ChangeKind, string>> = {
  'event-removed': 'do not wait for it',
  'member-removed': 'handle its absence',
  'member-made-optional': 'handle its absence',
  'member-made-conditional': 'handle its absence in these branches',
  'enum-value-added': 'have a default case for values that are not known',
  'branch-added': 'have a default case for values that are not known',
  'type-widened': 'handle the other values that may come',
  'type-changed': 'read the new type',
  'enum-to-string': 'have a default case for values that are not known',
  'integer-range-widened': 'handle the other values that may come',
};

const toAll: Partial<Record<ChangeKind, string>> = {
  'deprecated-added': 'it stays for this release and the next one at least: stop using it until then',
  'unstable-added': 'do not rely on it: it may change in any release',
  'feature-removed': 'a client that looks for the feature takes its other way; one that relies on it fails',
  'tag-changed': 'compare the branches by hand: nothing in the schemas links them',
  'condition-changed': 'look whether the configurations that matter have it',
};

/** What to do about a change; nothing where nothing needs to be done. */
export function adviceFor(kind: ChangeKind, breaks: readonly Role[], known: Known): string | undefined {
  const parts: string[] = [];
  if (breaks.includes('sender')) parts.push(toSenders[kind] ?? '');
  if (breaks.includes('receiver')) parts.push(toReceivers[kind] ?? '');
  const general = toAll[kind];
  if (general) parts.push(general);
  const said = [...new Set(parts)].filter((part) => part !== '');
  if (known.removed && known.successor !== undefined) said.push(`it looks renamed: see '${known.successor}'`);
  if (said.length > 0 && known.values && known.values.length > 0)
    said.push(`the values are ${listOf(known.values, 12)}`);
  return said.length === 0 ? undefined : said.join('; ');
}
