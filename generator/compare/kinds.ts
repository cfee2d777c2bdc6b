/** How surely one side breaks; nothing when it does not. */
export type Verdict = 'breaks' | 'may surprise' | 'notice' | undefined;

/** What the registry says of a kind of change. */
export interface ChangeKindRow {
  /** Stable: `QAPI61xx` commands and events, `62xx` members, `63xx` values and branches, `64xx` types, `65xx` marks, `66xx` beside the wire. */
  readonly code: `QAPI6${number}`;
  /** What it means for a client that sends, by the client's side of the wire. */
  readonly sent?: Verdict;
  /** What it means for a client that receives. */
  readonly received?: Verdict;
  /** The kind of the same change from NEW to OLD. */
  readonly reverse: string;
  /** For the page: what it is. */
  readonly summary: string;
}

const rows = {
  'command-added': { code: 'QAPI6101', reverse: 'command-removed', summary: 'a command is new' },
  'command-removed': { code: 'QAPI6102', sent: 'breaks', reverse: 'command-added', summary: 'a command is gone' },
  'event-added': { code: 'QAPI6103', reverse: 'event-removed', summary: 'an event is new' },
  'event-removed': { code: 'QAPI6104', received: 'breaks', reverse: 'event-added', summary: 'an event is gone' },
  'oob-gained': { code: 'QAPI6105', reverse: 'oob-lost', summary: 'a command can be executed out of band' },
  'oob-lost': {
    code: 'QAPI6106',
    sent: 'breaks',
    reverse: 'oob-gained',
    summary: 'a command cannot be executed out of band any more',
  },
  'preconfig-gained': {
    code: 'QAPI6107',
    reverse: 'preconfig-lost',
    summary: 'a command can be executed before the configuration ends',
  },
  'preconfig-lost': {
    code: 'QAPI6108',
    sent: 'breaks',
    reverse: 'preconfig-gained',
    summary: 'a command cannot be executed before the configuration ends any more',
  },
  'optional-member-added': {
    code: 'QAPI6201',
    reverse: 'member-removed',
    summary: 'an object has a new member, which may be absent',
  },
  'mandatory-member-added': {
    code: 'QAPI6202',
    sent: 'breaks',
    reverse: 'member-removed',
    summary: 'an object has a new member, which must be present',
  },
  'member-removed': {
    code: 'QAPI6203',
    sent: 'breaks',
    received: 'breaks',
    reverse: 'optional-member-added',
    summary: 'a member of an object is gone',
  },
  'member-made-optional': {
    code: 'QAPI6204',
    received: 'breaks',
    reverse: 'member-made-mandatory',
    summary: 'a member may be absent now',
  },
  'member-made-mandatory': {
    code: 'QAPI6205',
    sent: 'breaks',
    reverse: 'member-made-optional',
    summary: 'a member must be present now',
  },
  'member-made-conditional': {
    code: 'QAPI6206',
    sent: 'breaks',
    received: 'breaks',
    reverse: 'optional-member-added',
    summary:
      'a member is gone from some branches of a union and still in others; a client that receives it is not broken when it was optional before',
  },
  'enum-value-added': {
    code: 'QAPI6301',
    received: 'may surprise',
    reverse: 'enum-value-removed',
    summary: 'an enum has a new value',
  },
  'enum-value-removed': {
    code: 'QAPI6302',
    sent: 'breaks',
    reverse: 'enum-value-added',
    summary: 'a value of an enum is gone',
  },
  'branch-added': {
    code: 'QAPI6303',
    received: 'may surprise',
    reverse: 'branch-removed',
    summary: 'the discriminator of a union has a new value',
  },
  'branch-removed': {
    code: 'QAPI6304',
    sent: 'breaks',
    reverse: 'branch-added',
    summary: 'a value of the discriminator of a union is gone',
  },
  'tag-changed': {
    code: 'QAPI6305',
    sent: 'notice',
    received: 'notice',
    reverse: 'tag-changed',
    summary: 'the branches of a union are selected by another member',
  },
  'type-widened': {
    code: 'QAPI6401',
    received: 'breaks',
    reverse: 'type-narrowed',
    summary:
      'a type takes all that it took, and more: `int` to `number`, anything to `any`, a new choice of an alternate',
  },
  'type-narrowed': {
    code: 'QAPI6402',
    sent: 'breaks',
    reverse: 'type-widened',
    summary: 'a type takes only some of what it took',
  },
  'type-changed': {
    code: 'QAPI6403',
    sent: 'breaks',
    received: 'breaks',
    reverse: 'type-changed',
    summary: 'a type is another one, and neither takes all that the other takes',
  },
  'string-to-enum': {
    code: 'QAPI6404',
    sent: 'breaks',
    reverse: 'enum-to-string',
    summary: 'a string is one of some values now: it breaks only clients that send others',
  },
  'enum-to-string': {
    code: 'QAPI6405',
    received: 'may surprise',
    reverse: 'string-to-enum',
    summary: 'one of some values is any string now',
  },
  'integer-range-widened': {
    code: 'QAPI6406',
    received: 'may surprise',
    reverse: 'integer-range-narrowed',
    summary: 'an integer can be what it could not be before; introspection does not show it',
  },
  'integer-range-narrowed': {
    code: 'QAPI6407',
    sent: 'may surprise',
    reverse: 'integer-range-widened',
    summary: 'an integer cannot be all that it could be before; introspection does not show it',
  },
  'deprecated-added': {
    code: 'QAPI6501',
    sent: 'notice',
    received: 'notice',
    reverse: 'deprecated-removed',
    summary: 'something is deprecated now: it stays for this release and the next one, and may go then',
  },
  'deprecated-removed': {
    code: 'QAPI6502',
    reverse: 'deprecated-added',
    summary: 'something is not deprecated any more',
  },
  'unstable-added': {
    code: 'QAPI6503',
    sent: 'notice',
    received: 'notice',
    reverse: 'unstable-removed',
    summary: 'something is unstable now: it may change or go in any release',
  },
  'unstable-removed': { code: 'QAPI6504', reverse: 'unstable-added', summary: 'something is not unstable any more' },
  'feature-added': { code: 'QAPI6505', reverse: 'feature-removed', summary: 'something has a new feature' },
  'feature-removed': {
    code: 'QAPI6506',
    sent: 'notice',
    received: 'notice',
    reverse: 'feature-added',
    summary: 'something has lost a feature: a client that looks for it takes its other way',
  },
  'condition-changed': {
    code: 'QAPI6507',
    sent: 'notice',
    received: 'notice',
    reverse: 'condition-changed',
    summary: 'something exists under another condition (`if`); introspection does not show it',
  },
  'type-name-removed': {
    code: 'QAPI6601',
    reverse: 'type-name-added',
    summary: 'no type has that name any more, so that generated code does not declare it (with `--source`)',
  },
  'type-name-added': {
    code: 'QAPI6602',
    reverse: 'type-name-removed',
    summary: 'a type has a new name (with `--source`)',
  },
  'documentation-changed': {
    code: 'QAPI6603',
    reverse: 'documentation-changed',
    summary: 'the documentation of a definition says something else (with `--documentation`)',
  },
} as const satisfies Record<string, ChangeKindRow>;

/** The kinds of changes. */
export type ChangeKind = keyof typeof rows;

/** The one registry of changes; `docs/diff.md` has a table of it. */
export const changeKinds: Readonly<Record<ChangeKind, ChangeKindRow>> = rows;
