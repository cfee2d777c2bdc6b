import type { BlockDeviceStats, BlockJobInfo, BlockStats, SnapshotInfo } from '../../../../generated/index.js';
import { describeDevice, describeNode } from './block-info.js';
import type { HumanCommand, HumanMonitor } from './command.js';

/** Lines that show what there is. */
export const infoLines: readonly HumanCommand[] = [
  {
    name: 'info block',
    flags: 'nv',
    least: 0,
    most: 1,
    help: 'info block [-n] [-v] [device] -- show devices, with -n nodes, with -v in detail',
    run: ({ flags, words: [name] }, monitor, print) =>
      info(monitor, { ofNodes: flags.has('n'), verbose: flags.has('v'), name }, print),
  },
  {
    name: 'info block-jobs',
    flags: '',
    least: 0,
    most: 0,
    help: 'info block-jobs -- show the jobs that run',
    async run(_, monitor, print) {
      const jobs = await monitor.run('query-block-jobs', {});
      print(jobs.length === 0 ? 'No active jobs' : jobs.map(describeJob).join('\n'));
    },
  },
  {
    name: 'info blockstats',
    flags: '',
    least: 0,
    most: 0,
    help: 'info blockstats -- show the statistics of devices',
    async run(_, monitor, print) {
      const all = await monitor.run('query-blockstats', {});
      if (all.length > 0) print(all.map(describeStats).join('\n'));
    },
  },
  {
    name: 'info snapshots',
    flags: '',
    least: 0,
    most: 0,
    help: 'info snapshots -- show the snapshots inside images',
    async run(_, monitor, print) {
      const devices = (await monitor.devices()).filter(({ inserted }) => inserted?.image.snapshots !== undefined);
      if (devices.length === 0) print('There is no snapshot available.');
      for (const { device, inserted } of devices) {
        print(`List of snapshots present on '${device}':\n${snapshotHead}`);
        for (const snapshot of inserted?.image.snapshots ?? []) print(describeSnapshot(snapshot));
      }
    },
  },
];

async function info(
  monitor: HumanMonitor,
  { ofNodes, verbose, name }: { ofNodes: boolean; verbose: boolean; name: string | undefined },
  print: (text: string) => void,
): Promise<void> {
  const descriptions = ofNodes
    ? (await monitor.nodes())
        .filter((node) => name === undefined || node['node-name'] === name)
        .map((node) => describeNode(node, verbose))
    : (await monitor.devices())
        .filter(({ device }) => name === undefined || device === name)
        .map((device) => describeDevice(device, verbose));
  if (descriptions.length > 0) print(descriptions.join('\n\n'));
}

function describeJob({ type, device, len, offset, speed }: BlockJobInfo): string {
  const progress = `Completed ${offset} of ${len} bytes, speed limit ${speed} bytes/s`;
  return type === 'stream' ? `Streaming device ${device}: ${progress}` : `Type ${type}, device ${device}: ${progress}`;
}

const shownStats = [
  ...(['rd_bytes', 'wr_bytes', 'rd_operations', 'wr_operations', 'flush_operations'] as const),
  ...(['wr_total_time_ns', 'rd_total_time_ns', 'flush_total_time_ns', 'rd_merged', 'wr_merged'] as const),
  'idle_time_ns' as const,
] satisfies readonly (keyof BlockDeviceStats)[];

function describeStats({ device, stats }: BlockStats): string {
  const shown = shownStats.flatMap((name) => (stats[name] === undefined ? [] : [`${name}=${stats[name]}`]));
  return `${device}: ${shown.join(' ')}`;
}

const snapshotHead = 'ID        TAG                     VM SIZE                DATE       VM CLOCK';

function describeSnapshot(snapshot: SnapshotInfo): string {
  const date = new Date(Number(snapshot['date-sec']) * 1000);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const seconds = Number(snapshot['vm-clock-sec']);
  const thousandths = String(Math.floor(Number(snapshot['vm-clock-nsec']) / 1e6)).padStart(3, '0');
  const hours = Math.floor(seconds / 3600);
  const clock = `${two(hours)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${thousandths}`;
  const size = String(snapshot['vm-state-size']).padStart(7);
  return `${snapshot.id.padEnd(10)}${snapshot.name.padEnd(20)}${size} B ${`${day} ${time}`.padStart(20)}${clock.padStart(15)}`;
}

const two = (number: number): string => String(number).padStart(2, '0');
