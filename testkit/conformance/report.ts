import type { Colours } from '../../generator/text/report/colours.js';
import { type Check, groups } from './check.js';

/** What was checked, and how. */
export interface Report {
  /** The program: its version and address. */
  readonly program: string;
  /** The schema, as the user named it. */
  readonly schema: string;
  readonly checks: readonly Check[];
}

/** Whether the program conforms. */
export function conforms({ checks }: Report): boolean {
  return checks.every(({ problems }) => problems.length === 0);
}

/** The report for people. */
export function prettyReport(report: Report, colours: Colours): string {
  const { program, schema, checks } = report;
  const lines = [colours.strong(`${program}, held against ${schema}`), ''];
  for (const group of groups) {
    const own = checks.filter((check) => check.group === group);
    if (own.length === 0) continue;
    lines.push(`${colours.strong(group.padEnd(15))}${summary(own, colours)}`);
    for (const problem of own.flatMap(({ problems }) => problems)) lines.push(`  ${colours.error('✗')} ${problem}`);
    for (const [condition, paths] of byCondition(own)) {
      lines.push(
        `  ${colours.hint('∅')} without ${condition}:`,
        ...wrapped(paths).map((line) => `    ${colours.faint(line)}`),
      );
    }
    for (const [reason, names] of bySkipReason(own)) {
      lines.push(`  ${colours.faint(`– ${names.join(', ')}: ${reason}`)}`);
    }
  }
  const count = checks.reduce((sum, { problems }) => sum + problems.length, 0);
  const verdict = count === 0 ? 'It conforms.' : colours.error(`It does not conform: ${counted(count, 'problem')}.`);
  return `${[...lines, '', verdict].join('\n')}\n`;
}

function summary(checks: readonly Check[], colours: Colours): string {
  const failed = checks.filter(({ problems }) => problems.length > 0).length;
  const skipped = checks.filter((check) => check.skipped !== undefined).length;
  const requests = checks.reduce((sum, check) => sum + (check.requests ?? 0), 0);
  return [
    `${checks.length - failed - skipped} passed`,
    ...(failed > 0 ? [colours.error(`${failed} failed`)] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(requests > 0 ? [counted(requests, 'request')] : []),
  ].join(', ');
}

function byCondition(checks: readonly Check[]): Map<string, string[]> {
  return grouped(
    checks.flatMap(({ excused = [] }) => excused),
    ({ condition }) => condition,
    ({ path }) => path,
  );
}

function bySkipReason(checks: readonly Check[]): Map<string, string[]> {
  return grouped(
    checks.filter(({ skipped }) => skipped !== undefined),
    ({ skipped }) => skipped as string,
    ({ name }) => name,
  );
}

function grouped<T>(
  things: readonly T[],
  key: (thing: T) => string,
  value: (thing: T) => string,
): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const thing of things) groups.set(key(thing), [...(groups.get(key(thing)) ?? []), value(thing)]);
  return groups;
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

/** The widest that a list of names gets. */
const width = 110;

/** Names in lines. */
function wrapped(names: readonly string[]): string[] {
  const lines: string[] = [];
  for (const name of names) {
    const last = lines.at(-1);
    if (last === undefined || last.length + name.length + 2 > width) lines.push(name);
    else lines[lines.length - 1] = `${last}, ${name}`;
  }
  return lines;
}

/** The report for tools. */
export function jsonReport(report: Report): string {
  const { program, schema, checks } = report;
  const plain = checks.map(({ problems, excused = [], skipped, requests, ...check }) => ({
    ...check,
    status: problems.length > 0 ? 'failed' : skipped === undefined ? 'passed' : 'skipped',
    problems,
    excused,
    ...(skipped !== undefined && { skipped }),
    ...(requests !== undefined && { requests }),
  }));
  return `${JSON.stringify({ ok: conforms(report), program, schema, checks: plain }, undefined, 2)}\n`;
}
