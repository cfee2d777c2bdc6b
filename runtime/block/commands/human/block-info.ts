import type { BlockDeviceInfo, BlockInfo, ImageInfo } from '../../../../generated/index.js';

/** What `info block` prints of a device. */
export function describeDevice(info: BlockInfo, verbose: boolean): string {
  const { inserted } = info;
  const lines = [
    inserted === undefined
      ? `${info.device}: [not inserted]`
      : `${info.device} (${inserted['node-name']}): ${medium(inserted)}`,
  ];
  lines.push(
    info.removable
      ? property('Removable device', `${info.locked ? '' : 'not '}locked, tray ${info.tray_open ? 'open' : 'closed'}`)
      : property('Fixed device', 'always there'),
  );
  const status = info['io-status'];
  if (status !== undefined && status !== 'ok') lines.push(property('I/O status', status));
  return [...lines, ...(inserted === undefined ? [] : details(inserted, verbose))].join('\n');
}

/** What `info block -n` prints of a node. */
export function describeNode(info: BlockDeviceInfo, verbose: boolean): string {
  return [`${info['node-name']}: ${medium(info)}`, ...details(info, verbose)].join('\n');
}

function medium(info: BlockDeviceInfo): string {
  const kind = `${info.drv}${info.ro ? ', read-only' : ''}${info.encrypted ? ', encrypted' : ''}`;
  return `${info.file} (${kind})`;
}

function details(info: BlockDeviceInfo, verbose: boolean): string[] {
  const { cache } = info;
  const mode = [cache.writeback ? 'writeback' : 'writethrough'];
  if (cache.direct) mode.push('direct');
  if (cache['no-flush']) mode.push('ignores flushes');
  const lines = [property('Cache mode', mode.join(', '))];
  if (info.backing_file !== undefined) {
    lines.push(property('Backing file', `${info.backing_file} (chain depth: ${info.backing_file_depth})`));
  }
  if (info.detect_zeroes !== 'off') lines.push(property('Detect zeroes', info.detect_zeroes));
  const limits = limitNames.flatMap((name) => (info[name] ? [`${name}=${info[name]}`] : []));
  if (limits.length > 0) {
    lines.push(property('I/O throttling', [...limits, `group=${info.group ?? ''}`].join(' ')));
  }
  if (verbose)
    for (let image: ImageInfo | undefined = info.image; image; image = image['backing-image']) {
      lines.push('', ...describeImage(image));
    }
  return lines;
}

const limitNames = [
  ...(['bps', 'bps_rd', 'bps_wr', 'bps_max', 'bps_rd_max', 'bps_wr_max'] as const),
  ...(['iops', 'iops_rd', 'iops_wr', 'iops_max', 'iops_rd_max', 'iops_wr_max', 'iops_size'] as const),
];

function describeImage(image: ImageInfo): string[] {
  const lines = [
    `image: ${image.filename}`,
    `file format: ${image.format}`,
    `virtual size: ${image['virtual-size']} bytes`,
  ];
  if (image['actual-size'] !== undefined) lines.push(`disk size: ${image['actual-size']} bytes`);
  if (image['cluster-size'] !== undefined) lines.push(`cluster size: ${image['cluster-size']} bytes`);
  if (image['backing-filename'] !== undefined) lines.push(`backing file: ${image['backing-filename']}`);
  return lines;
}

function property(name: string, value: string): string {
  return `    ${`${name}:`.padEnd(17)} ${value}`;
}
