import { type Check, groups } from './check.js';
import type { Report } from './report.js';

/** The report as JUnit writes it, which CI systems read: a suite for each group of checks, a case for each command or event. */
export function junitReport({ program, schema, checks }: Report): string {
  const suites = groups.flatMap((group) => {
    const own = checks.filter((check) => check.group === group);
    return own.length === 0 ? [] : [suite(group, own)];
  });
  const name = xml(`${program}, held against ${schema}`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="${name}"${counts(checks)}>\n${suites.join('')}</testsuites>\n`;
}

function suite(group: string, checks: readonly Check[]): string {
  return `  <testsuite name="${group}"${counts(checks)}>\n${checks.map(testCase).join('')}  </testsuite>\n`;
}

function counts(checks: readonly Check[]): string {
  const failures = checks.filter(({ problems }) => problems.length > 0).length;
  const skipped = checks.filter((check) => check.skipped !== undefined).length;
  return ` tests="${checks.length}" failures="${failures}" skipped="${skipped}"`;
}

function testCase({ group, name, problems, excused = [], skipped }: Check): string {
  const inside = [
    ...(problems.length > 0
      ? [`<failure message="${xml(problems[0] as string)}">${xml(problems.join('\n'))}</failure>`]
      : []),
    ...(skipped === undefined ? [] : [`<skipped message="${xml(skipped)}"/>`]),
    ...(excused.length > 0
      ? [
          `<system-out>${xml(excused.map(({ path, condition }) => `${path}: without ${condition}`).join('\n'))}</system-out>`,
        ]
      : []),
  ];
  const open = `    <testcase classname="${group}" name="${xml(name)}"`;
  return inside.length === 0 ? `${open}/>\n` : `${open}>${inside.join('')}</testcase>\n`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** Text for an attribute or element. XML has no form for most control characters. */
function xml(text: string): string {
  return text
    .replace(/[&<>"]/g, (found) => entities[found] ?? found)
    .replace(/\p{Cc}/gu, (found) => (found === '\n' ? '&#10;' : '\ufffd'));
}
