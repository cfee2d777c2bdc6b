import { describe, expect, test } from 'vitest';
import { compareReleases, releases } from '../../../../generator/syntax/releases.js';
import type { DiagnosticName } from '../../../../generator/text/diagnostic.js';
import { checkMarked } from '../check-marked.js';

/** What a release finds first in a schema: an error at the first mark, or at the one of the given number, or nothing. */
type Finding = DiagnosticName | readonly [name: DiagnosticName, mark: number] | 'accepted' | 'not looked at';

/** A schema whose culprits are marked, and what releases find in it: each from its own on until the next that is named. */
export type Case = readonly [title: string, schema: string, findings: Readonly<Record<string, Finding>>];

// Definitions that cases build on; none is there without those before it.
export const E = "{ 'enum': 'Ee', 'data': [ 'a', 'b' ] }\n";
export const A = "{ 'struct': 'Aa', 'data': { 'x': 'int' } }\n";
export const B = "{ 'struct': 'Bb', 'data': { 'e': 'Ee' } }\n";
export const U = "{ 'union': 'Uu', 'base': 'Bb', 'discriminator': 'e', 'data': { 'a': 'Aa', 'b': 'Aa' } }\n";

/** Checks each case under every release. */
export function describeEras(title: string, cases: readonly Case[]): void {
  describe(title, () => {
    test.each(cases)('%s', async (_title, schema, findings) => {
      const eras = Object.keys(findings).reverse();
      for (const release of releases) {
        const era = eras.find((since) => compareReleases(release, since) >= 0) ?? '';
        const finding = findings[era] ?? 'accepted';
        if (finding === 'not looked at') continue;
        const [name, mark] = typeof finding === 'string' ? [finding, 1] : finding;
        const expected = name === 'accepted' ? 'accepted' : { name, mark };
        expect({ release, finding: await checkMarked(schema, release) }).toEqual({ release, finding: expected });
      }
    });
  });
}
