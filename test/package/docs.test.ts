import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { absences, withAbsences } from '../../docs/print/absences.js';
import { withChangeKinds } from '../../docs/print/changes.js';
import { diagnosticsPage } from '../../docs/print/diagnostics.js';
import { withExamples } from '../../docs/print/examples.js';
import { withSizes } from '../../docs/print/sizes.js';

const page = (path: string): string => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');

describe('the documentation is current (npm run docs)', () => {
  test('docs/diagnostics.md lists the diagnostics as declared', async () => {
    expect(await diagnosticsPage()).toBe(page('docs/diagnostics.md'));
  });

  test.each(['README.md', 'docs/type-mapping.md'])('%s', async (path) => {
    expect(await withExamples(page(path))).toBe(page(path));
  });

  test('docs/diff.md lists the kinds of changes as declared', () => {
    expect(withChangeKinds(page('docs/diff.md'))).toBe(page('docs/diff.md'));
  });

  test('docs/block.md lists what is missing as the comparison of the schemas knows it', () => {
    expect(page('docs/block.md')).toContain(absences[0]?.what);
    expect(withAbsences(page('docs/block.md'))).toBe(page('docs/block.md'));
  });

  test('docs/size.md shows the sizes as measured', async () => {
    // How well gzip compresses is up to the machine.
    const exact = (text: string): string => text.replace(/^(\|[^|]*\|[^|]*\|)[^|]*\|[^|]*\|/gm, '$1');
    expect(exact(await withSizes(page('docs/size.md')))).toBe(exact(page('docs/size.md')));
  });

  test('every link within the project leads somewhere', () => {
    const pages = [
      'README.md',
      'CONTRIBUTING.md',
      'docs/type-mapping.md',
      'docs/cli.md',
      'docs/diff.md',
      'docs/affected.md',
      'docs/api.md',
      'docs/client.md',
      'docs/server.md',
      'docs/serve.md',
      'docs/recipes.md',
      'docs/block.md',
      'docs/shell.md',
      'docs/conformance.md',
      'docs/testkit.md',
      'docs/architecture.md',
      'docs/size.md',
    ];
    for (const path of pages) {
      for (const [, target = ''] of page(path).matchAll(/\]\((?!https?:)([^)#]*)/g)) {
        if (target !== '') expect(() => page(join(path, '..', target)), `${path}: ${target}`).not.toThrow();
      }
    }
  });
});
