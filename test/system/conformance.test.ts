import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { spawnQemu, spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import { folderWith, qapiTs } from '../cli/command-line.js';
import { corpusPath, describeWithCorpus } from '../corpus.js';
import { describeWithPrograms } from './programs.js';
import { corpusOf, versionOf } from './release.js';

const is72 = versionOf('qemu-storage-daemon').startsWith('7.2.');
const release = corpusOf('qemu-storage-daemon');

/** The modules that the storage daemon of 7.2 is built of. Of that release, the corpus does not have its root schema. */
const daemonModules = [
  ...['pragma', 'authz', 'block-core', 'block-export', 'char', 'common', 'control', 'crypto', 'introspect', 'job'],
  ...['qom', 'sockets', 'transaction'],
];

/** The root schema of the storage daemon of the release that is here. */
function daemonSchema(): string {
  const own = corpusPath(release, 'storage-daemon/qapi/qapi-schema.json');
  if (existsSync(own)) return own;
  const includes = daemonModules.map((name) => `{ 'include': '${corpusPath(release, 'qapi', name)}.json' }\n`);
  return `${folderWith({ 'qapi-schema.json': includes.join('') })}/qapi-schema.json`;
}

/** What programs have, and the schemas of the corpus do not: those of 11.1 are of a candidate for that release. */
const newerThanCorpus = ["dump-guest-memory.arguments.format='win-dmp': feature 'allowed-by-guest' is unexpected"];

interface Report {
  readonly ok: boolean;
  readonly checks: readonly {
    readonly group: string;
    readonly name: string;
    readonly status: string;
    readonly problems: readonly string[];
    readonly excused: readonly { readonly path: string; readonly condition: string }[];
    readonly requests?: number;
  }[];
}

async function conformance(socket: string, schema: string): Promise<Report> {
  const args = ['conformance', socket, '--schema', schema, '--format', 'json', '--timeout', '60'];
  const { stdout, stderr } = await qapiTs(args);
  expect(stderr).not.toContain('error');
  const report = JSON.parse(stdout) as Report;
  const problems = report.checks.flatMap((check) => check.problems);
  expect(problems.filter((problem) => !newerThanCorpus.includes(problem))).toEqual([]);
  expect(report.ok).toBe(problems.length === 0);
  return report;
}

function conditions({ checks }: Report): string[] {
  return [...new Set(checks.flatMap(({ excused }) => excused.map(({ condition }) => condition)))].sort();
}

function requests({ checks }: Report, group: string): number {
  return checks.filter((check) => check.group === group).reduce((sum, check) => sum + (check.requests ?? 0), 0);
}

describeWithPrograms('conformance of real programs', ['qemu-storage-daemon', 'qemu-system-x86_64'], () => {
  describeWithCorpus('with the schema of their release', release, () => {
    test('the storage daemon conforms to its schema', { timeout: 120_000 }, async () => {
      await using daemon = await spawnStorageDaemon();
      await daemon.client.close();
      const report = await conformance(daemon.socket, daemonSchema());
      expect(conditions(report)).toEqual(is72 ? ['CONFIG_BLKIO'] : expect.arrayContaining(['CONFIG_WIN32']));
      expect(requests(report, 'refusals')).toBeGreaterThan(3000);
    });

    test('the emulator conforms to its schema', { timeout: 120_000 }, async () => {
      await using qemu = await spawnQemu();
      await qemu.client.close();
      const report = await conformance(qemu.socket, corpusPath(release, 'qapi/qapi-schema.json'));
      const excused = report.checks.flatMap((check) => check.excused);
      if (is72) {
        expect(conditions(report)).toEqual([
          'CONFIG_BLKIO',
          'CONFIG_COCOA',
          'CONFIG_VMNET',
          'TARGET_ARM',
          'TARGET_S390X',
        ]);
        expect(excused).toContainEqual({ path: 'query-gic-capabilities', condition: 'TARGET_ARM' });
      } else {
        expect(excused).toContainEqual({ path: 'get-win32-socket', condition: 'CONFIG_WIN32' });
      }
      expect(requests(report, 'refusals')).toBeGreaterThan(4000);
      expect(requests(report, 'queries')).toBeGreaterThan(50);
    });
  });
});
