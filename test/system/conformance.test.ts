import { expect, test } from 'vitest';
import { spawnQemu, spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import { folderWith, qapiTs } from '../cli/command-line.js';
import { corpusPath, describeWithCorpus } from '../corpus.js';
import { describeWithPrograms } from './programs.js';

const release = 'releases/7.2/qapi';

/** The modules that the storage daemon of 7.2 is built of; its root schema is not in the corpus. */
const daemonModules = [
  ...['pragma', 'authz', 'block-core', 'block-export', 'char', 'common', 'control', 'crypto', 'introspect', 'job'],
  ...['qom', 'sockets', 'transaction'],
];

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
  expect(report.checks.flatMap(({ problems }) => problems)).toEqual([]);
  expect(report.ok).toBe(true);
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
      const includes = daemonModules.map((name) => `{ 'include': '${corpusPath(release, name)}.json' }\n`);
      const folder = folderWith({ 'qapi-schema.json': includes.join('') });
      const report = await conformance(daemon.socket, `${folder}/qapi-schema.json`);
      expect(conditions(report)).toEqual(['CONFIG_BLKIO']);
      expect(requests(report, 'refusals')).toBeGreaterThan(3000);
    });

    test('the emulator conforms to its schema', { timeout: 120_000 }, async () => {
      await using qemu = await spawnQemu();
      await qemu.client.close();
      const report = await conformance(qemu.socket, corpusPath(release, 'qapi-schema.json'));
      expect(conditions(report)).toEqual([
        'CONFIG_BLKIO',
        'CONFIG_COCOA',
        'CONFIG_VMNET',
        'TARGET_ARM',
        'TARGET_S390X',
      ]);
      const excused = report.checks.flatMap((check) => check.excused);
      expect(excused).toContainEqual({ path: 'query-gic-capabilities', condition: 'TARGET_ARM' });
      expect(requests(report, 'refusals')).toBeGreaterThan(4000);
      expect(requests(report, 'queries')).toBeGreaterThan(50);
    });
  });
});
