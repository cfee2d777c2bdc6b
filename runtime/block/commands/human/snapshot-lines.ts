import type { HumanCommand } from './command.js';

/** Lines that take and delete snapshots. */
export const snapshotLines: readonly HumanCommand[] = [
  {
    name: 'snapshot_blkdev',
    flags: 'n',
    least: 2,
    most: 3,
    help: `snapshot_blkdev [-n] device new-image-file [format] -- go on in a new image over the present one
-n: use an image that exists`,
    async run({ flags, words: [device = '', file = '', format] }, monitor) {
      await monitor.run('blockdev-snapshot-sync', {
        device,
        'snapshot-file': file,
        ...(format === undefined ? {} : { format }),
        mode: flags.has('n') ? 'existing' : 'absolute-paths',
      });
    },
  },
  {
    name: 'snapshot_blkdev_internal',
    flags: '',
    least: 2,
    most: 2,
    help: 'snapshot_blkdev_internal device name -- take a snapshot inside an image',
    async run({ words: [device = '', name = ''] }, monitor) {
      await monitor.run('blockdev-snapshot-internal-sync', { device, name });
    },
  },
  {
    name: 'snapshot_delete_blkdev_internal',
    flags: '',
    least: 2,
    most: 3,
    help: 'snapshot_delete_blkdev_internal device name [id] -- delete a snapshot inside an image',
    async run({ words: [device = '', name = '', id] }, monitor) {
      await monitor.run('blockdev-snapshot-delete-internal-sync', {
        device,
        name,
        ...(id === undefined ? {} : { id }),
      });
    },
  },
];
