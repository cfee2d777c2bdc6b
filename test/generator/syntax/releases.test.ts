import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadSchema, memoryHost } from '../../../generator/index.js';
import { Dialect, dialectNames } from '../../../generator/syntax/dialect.js';
import { newestRelease, releaseOf, releases } from '../../../generator/syntax/releases.js';

describe('releases', () => {
  it('the releases from 2.4 to 11.1 are known', () => {
    expect(releases).toHaveLength(34);
    expect([releases[0], releases.at(-1)]).toEqual(['2.4', '11.1']);
    expect(newestRelease).toBe('11.1');
    expect(dialectNames).toEqual(['auto', ...releases]);
  });

  it.each([
    ['8.2', '8.2'],
    ['8.2.1', '8.2'],
    ['v8.2.1', '8.2'],
    ['9.0-rc', '9.0'],
    ['9.0.0-rc3', '9.0'],
    ['2.8-dev', '2.8'],
    ['2.7.50', '2.8'],
    ['8.2.93', '9.0'],
    ['2.12.50', '3.0'],
    ['10.1.0', '10.1'],
    ['10.1.50', '10.2'],
    ['10.2.50', '11.0'],
    ['11.0.90', '11.1'],
    ['11.1.0-rc2', '11.1'],
    [' 10.1 ', '10.1'],
  ])('%s speaks the language of %s', (version, release) => {
    expect(releaseOf(version)).toEqual({ release });
    expect(Dialect.named(version)).toMatchObject({ dialect: { name: release } });
  });

  it.each([
    ['2.3', 'release 2.3 is older than 2.4, the oldest whose schemas can be read'],
    ['9', "there is no release '9': did you mean '9.0'?"],
    ['8.3', "there is no release '8.3': name one from 2.4 to 11.1, or 'auto'"],
    ['atuo', "there is no release 'atuo': did you mean 'auto'?"],
    ['newest', "there is no release 'newest': name one from 2.4 to 11.1, or 'auto'"],
    ['', "there is no release '': name one from 2.4 to 11.1, or 'auto'"],
  ])('%s is refused', (version, problem) => {
    expect(Dialect.named(version)).toEqual({ problem });
  });
});

describe('a release newer than all that are known', () => {
  it.each(['11.1.50', '11.2', 'v12.0.0', '99.0'])('%s has the rules of the newest', (version) => {
    expect(releaseOf(version)).toEqual({ release: newestRelease, newer: version });
    expect(Dialect.named(version)).toMatchObject({ dialect: { name: newestRelease, newer: version } });
  });

  it('warns once about a newer release, and names it', async () => {
    const host = memoryHost({ 'schema.json': "{ 'include': 'more.json' }", 'more.json': "{ 'command': 'c' }" });
    const { schema, diagnostics } = await loadSchema('schema.json', { dialect: '99.0', host });
    expect(schema?.lookup('c')).toBeDefined();
    expect(diagnostics).toMatchObject([{ name: 'newer-release', severity: 'warning' }]);
    expect(diagnostics[0]?.message).toContain('release 99.0 is newer than 11.1');
  });
});

describe('what users read about releases', () => {
  it.each([
    ['README.md', `from 2.4 to ${newestRelease}`],
    ['README.md', `\`${newestRelease}\`: check by the rules of that release`],
    ['docs/cli.md', `\`2.4\` to \`${newestRelease}\``],
  ])('%s says %s', (page, words) => {
    expect(readFileSync(join(import.meta.dirname, '../../..', page), 'utf8')).toContain(words);
  });
});

describe('dialects', () => {
  it('gives each dialect the constructs of its release', () => {
    const has = (name: string) => {
      const found = Dialect.named(name);
      return 'dialect' in found && found.dialect.has('null literal');
    };
    expect(['2.4', '4.1', '4.2', '10.1', 'auto'].map(has)).toEqual([true, true, false, false, true]);
  });

  it('counts columns as the release did', () => {
    const columns = (name: string) => {
      const found = Dialect.named(name);
      return 'dialect' in found && found.dialect.columns;
    };
    expect(['2.4', '2.11', '2.12', '10.1', 'auto'].map(columns)).toEqual([
      'reference-bytes',
      'reference-bytes',
      'reference',
      'reference',
      'character',
    ]);
  });

  it('orders dialects by their release', () => {
    const found = Dialect.named('2.10');
    if ('problem' in found) throw new Error(found.problem);
    expect(['2.9', '2.10', '2.11', '10.1'].map((release) => found.dialect.atLeast(release))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(Dialect.auto.atLeast('10.1')).toBe(true);
  });
});
