import { nearMiss } from '../text/near-miss.js';
import type { Span } from '../text/source-file.js';
import { adviceFor } from './advice.js';
import type { Change, ChangeBranch, ChangeSeverity, ChangeUse, Direction, Role } from './change.js';
import { type ChangeKind, changeKinds, type Verdict } from './kinds.js';
import type { BothMarks } from './marks.js';

/** Where the comparison is: in a command or event, on a path, and what is marked on the way. */
export interface Place {
  readonly entity: string;
  readonly direction?: Direction;
  readonly path: string;
  readonly marks: BothMarks;
  /** The server does not check these arguments. */
  readonly unchecked?: boolean;
}

/** What a finding says beside its kind and places. */
export interface Details {
  readonly message: string;
  readonly branch?: readonly ChangeBranch[];
  readonly old?: string | undefined;
  readonly new?: string | undefined;
  readonly oldPlace?: Span | undefined;
  readonly newPlace?: Span | undefined;
  /** The name of what is gone or new, and what holds it: another name there may be its successor. */
  readonly name?: { readonly of: string; readonly name: string };
  /** A receiver gets along, although the kind says otherwise. */
  readonly receiverUnharmed?: boolean;
  /** What the schema says that advice needs: the values that are left. */
  readonly values?: readonly string[];
}

interface Finding extends Details {
  readonly kind: ChangeKind;
  readonly uses: Map<string, ChangeUse>;
  deprecated: boolean;
  unstable: boolean;
  unchecked: boolean;
}

const added: ReadonlySet<ChangeKind> = new Set([
  'command-added',
  'event-added',
  'optional-member-added',
  'mandatory-member-added',
  'enum-value-added',
  'branch-added',
]);

/** Collects what a comparison finds: each change once, with all places that show it. */
export class Findings {
  readonly #findings = new Map<string, Finding>();

  /**
   * Takes a change at a place.
   *
   * @param key what it is a change of, however it was reached
   */
  report(kind: ChangeKind, key: string, place: Place, details: Details): void {
    const { entity, direction, path, marks, unchecked = false } = place;
    const id = `${kind} ${key}`;
    const { deprecated, unstable } = added.has(kind) ? marks.new : marks.old;
    let finding = this.#findings.get(id);
    if (!finding) {
      finding = { kind, ...details, uses: new Map(), deprecated: true, unstable: true, unchecked: true };
      this.#findings.set(id, finding);
    }
    // A change counts as one of what is unstable when that is true of all the places that show it.
    finding.deprecated &&= deprecated;
    finding.unstable &&= unstable;
    finding.unchecked &&= unchecked;
    // A type, or a page about it, belongs to no command or event.
    if (entity === '') return;
    const use = `${entity} ${direction}`;
    const known = finding.uses.get(use);
    if (!known || path.length < known.path.length) {
      const { branch = [] } = details;
      finding.uses.set(use, { entity, ...(direction && { direction }), path, ...(branch.length > 0 && { branch }) });
    }
  }

  /** All changes: what breaks first, then by entity. */
  changes(): Change[] {
    const successors = this.#successors();
    const changes = [...this.#findings.values()].map((finding) => finish(finding, successors.get(finding)));
    return changes.sort(compareChanges);
  }

  /** What came in the place of what is gone: a near name among what is new in the same place. */
  #successors(): Map<Finding, string> {
    const fresh = new Map<string, string[]>();
    for (const { kind, name } of this.#findings.values()) {
      if (name && added.has(kind)) fresh.set(name.of, [...(fresh.get(name.of) ?? []), name.name]);
    }
    const successors = new Map<Finding, string>();
    for (const finding of this.#findings.values()) {
      const { kind, name } = finding;
      if (!name || added.has(kind)) continue;
      const candidates = fresh.get(name.of) ?? [];
      const plain = name.name.replace(/^[xX][-_]/, '');
      const successor = candidates.includes(plain) ? plain : nearMiss(name.name, candidates);
      if (successor !== undefined) successors.set(finding, successor);
    }
    return successors;
  }
}

function finish(finding: Finding, successor: string | undefined): Change {
  const { kind, message, old, new: now, oldPlace, newPlace, deprecated, unstable, unchecked } = finding;
  const found = [...finding.uses.values()];
  const { breaks, severity } = verdict(finding, found);
  const branches = new Set(found.map(({ branch }) => JSON.stringify(branch)));
  const branch = branches.size === 1 ? found[0]?.branch : undefined;
  const harmed = (use: ChangeUse): boolean => breaks.includes(use.direction === 'received' ? 'receiver' : 'sender');
  // The first use is the nearest of those that a client breaks on.
  const sorted = found.sort(
    (a, b) =>
      Number(harmed(b)) - Number(harmed(a)) || a.path.length - b.path.length || compareTexts(a.entity, b.entity),
  );
  const uses = branch ? sorted.map(({ branch: _, ...use }) => use) : sorted;
  const advice = adviceFor(kind, breaks, { successor, values: finding.values, removed: !added.has(kind) });
  const notes = [
    // A change of the mark itself says so already.
    ...(deprecated && !kind.startsWith('deprecated-')
      ? [added.has(kind) ? 'it is deprecated' : 'it was deprecated']
      : []),
    ...(unstable && !kind.startsWith('unstable-') ? [added.has(kind) ? 'it is unstable' : 'it was unstable'] : []),
    ...(unchecked ? ['the server does not enforce it'] : []),
  ];
  return {
    code: changeKinds[kind].code,
    kind,
    entities: [...new Set(uses.map(({ entity }) => entity))].sort(compareTexts),
    path: uses[0]?.path ?? '',
    ...(branch && { branch }),
    breaks,
    severity,
    ...(old !== undefined && { old }),
    ...(now !== undefined && { new: now }),
    message: [message, ...notes].join('; '),
    ...(advice !== undefined && { advice }),
    ...(successor !== undefined && { successor }),
    ...(deprecated && { deprecated }),
    ...(unstable && { unstable }),
    ...(unchecked && { notEnforced: unchecked }),
    uses,
    ...(oldPlace && { oldPlace }),
    ...(newPlace && { newPlace }),
  };
}

const ranks: readonly ChangeSeverity[] = ['breaks', 'may surprise', 'notice', 'compatible'];

/** What a change breaks. For a server the sides are swapped: it receives what clients send. */
function verdict(
  { kind, receiverUnharmed = false }: Finding,
  uses: readonly ChangeUse[],
): { readonly breaks: Role[]; readonly severity: ChangeSeverity } {
  const { sent, received }: { sent?: Verdict; received?: Verdict } = changeKinds[kind];
  const heard = receiverUnharmed ? undefined : received;
  const isSent = uses.some(({ direction }) => direction !== 'received');
  const isReceived = uses.some(({ direction }) => direction !== 'sent');
  const found: [Role, Verdict][] = [
    ['sender', isSent ? sent : undefined],
    ['receiver', isReceived ? heard : undefined],
    ['server', serverVerdict(kind, uses)],
    ['source', kind === 'type-name-removed' ? 'breaks' : undefined],
  ];
  const broken = found.filter(([, how]) => how === 'breaks' || how === 'may surprise');
  // A server is not what an upgrade is about: what it must do for it makes no change worse.
  const clients = found.filter(([role]) => role !== 'server').map(([, how]) => how ?? 'compatible');
  const severity = ranks.find((rank) => clients.includes(rank)) ?? 'compatible';
  return { breaks: broken.map(([role]) => role), severity };
}

function serverVerdict(kind: ChangeKind, uses: readonly ChangeUse[]): Verdict {
  if (kind === 'command-added') return 'breaks';
  const { sent, received }: { sent?: Verdict; received?: Verdict } = changeKinds[kind];
  const places = uses.filter(({ direction }) => direction !== undefined);
  const verdicts = places.map(({ direction }) => (direction === 'sent' ? received : sent));
  return verdicts.find((how) => how === 'breaks') ?? verdicts.find((how) => how === 'may surprise');
}

function compareChanges(a: Change, b: Change): number {
  return (
    ranks.indexOf(a.severity) - ranks.indexOf(b.severity) ||
    compareTexts(a.entities[0] ?? '', b.entities[0] ?? '') ||
    compareTexts(a.path, b.path) ||
    compareTexts(a.code, b.code) ||
    compareTexts(a.message, b.message)
  );
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
