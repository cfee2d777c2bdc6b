import { Dialect, firstWith, turningPoints } from '../syntax/dialect.js';
import type { Diagnostic, DiagnosticName } from '../text/diagnostic.js';

/** Checks the schema by the rules of a release. */
export type CheckBy = (dialect: Dialect) => Promise<StepwiseCheck>;

/** A check that has read the schema, and goes on only when that is wanted: the rest takes most of the time. */
interface StepwiseCheck {
  /** What is wrong with the text. */
  readonly read: readonly Diagnostic[];
  /** All that is wrong, what was found while reading included. */
  complete(): readonly Diagnostic[];
}

/** So many faults of a kind are shown one by one. What a schema does more often than that is the custom of its time. */
const limit = 5;

/**
 * What later releases reject in a schema that is right in some release: warnings with the code of the strict rule, each with the
 * release from which on all releases have that rule.
 *
 * @param reported what has been found already
 * @param documented whether documentation has rules in this schema
 */
export async function adviceFor(
  checkBy: CheckBy,
  reported: readonly Diagnostic[],
  documented: boolean,
): Promise<Diagnostic[]> {
  const known = new Set(reported.map(lineOf));
  const kindsKnown = new Set(reported.map(({ name }) => name));
  const isKnown = (fault: Diagnostic): boolean => kindsKnown.has(fault.name) && known.has(lineOf(fault));
  const newest = await checkBy(Dialect.newest);
  const faults = leading(newest.complete()).filter(
    (fault) => !isKnown(fault) && (documented || !fault.code.startsWith('QAPI5')),
  );
  const kinds = byName(faults);
  const shown = [...kinds.values()].flatMap((kind) => (kind.length > limit ? kind.slice(0, 1) : kind));
  const others = shown.filter(({ name }) => !ofLines.has(name));
  const since = await findReleases(others, checkBy);
  return shown.map((fault) => {
    const rejectedFrom = since.get(fault) ?? firstWith('documentation lines checked');
    const count = (kinds.get(fault.name) as Diagnostic[]).length;
    const more = count > limit ? `; so are ${count - 1} others like this` : '';
    return {
      ...fault,
      severity: 'warning',
      message: `${fault.message} (rejected from ${rejectedFrom} on${more})`,
      rejectedFrom,
    };
  });
}

/** What is wrong with a line of documentation: nothing else is ever found in such a place, so that no older release need be asked. */
const ofLines = new Set<string>(['long-documentation-line', 'one-blank-after-sentence'] satisfies DiagnosticName[]);

function byName(faults: readonly Diagnostic[]): Map<string, Diagnostic[]> {
  const kinds = new Map<string, Diagnostic[]>();
  for (const fault of faults) {
    const kind = kinds.get(fault.name);
    if (kind) kind.push(fault);
    else kinds.set(fault.name, [fault]);
  }
  return kinds;
}

/** What is found behind something that cannot be read: in a schema that some release reads, it is never a fault by itself. */
const following = new Set<string>(['expected-expression', 'unclosed-documentation']);

/** The faults without those that only follow from others: of one place the first, and little can be said of what lacks a key. */
function leading(faults: readonly Diagnostic[]): Diagnostic[] {
  const incomplete = new Set(faults.filter(({ name }) => name === 'missing-key').map(definitionOf));
  const places = new Set<string>();
  return faults.filter((fault) => {
    const place = placeOf(fault);
    if (
      following.has(fault.name) ||
      places.has(place) ||
      (fault.name !== 'missing-key' && incomplete.has(definitionOf(fault)))
    )
      return false;
    places.add(place);
    return fault.span !== undefined;
  });
}

/** For each fault the oldest release of the unbroken row up to the newest that find something wrong in its place. */
async function findReleases(faults: readonly Diagnostic[], checkBy: CheckBy): Promise<ReadonlyMap<Diagnostic, string>> {
  const since = new Map<Diagnostic, string>(faults.map((fault) => [fault, Dialect.newest.name]));
  let open = faults;
  for (const release of turningPoints) {
    if (open.length === 0) break;
    if (release === Dialect.newest.name) continue;
    const check = await checkBy(Dialect.of(release));
    if (!open.every(isIn(check.read))) open = open.filter(isIn(check.complete()));
    for (const fault of open) since.set(fault, release);
  }
  return since;
}

/** Makes a test whether something is wrong in the place of a fault. */
function isIn(found: readonly Diagnostic[]): (fault: Diagnostic) => boolean {
  // Up to 8.2 a section is found to be empty by what follows it.
  const places = new Set(found.flatMap((fault) => [placeOf(fault), ...fault.related.map(placeOf)]));
  return (fault) => places.has(placeOf(fault));
}

/** The same stretch of text, whatever release has read it. */
function placeOf({ span }: Pick<Diagnostic, 'span'>): string {
  return span ? `${span.start} ${span.end} ${span.file.path}` : '';
}

function lineOf({ span, name }: Diagnostic): string {
  return span ? `${span.file.lineAt(span.start)} ${span.file.path} ${name}` : '';
}

function definitionOf({ definition }: Diagnostic): string | undefined {
  return definition && `${definition.span.start} ${definition.span.file.path}`;
}
