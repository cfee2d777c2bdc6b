import type { HumanCommand } from './command.js';
import { mebibytesOf } from './drive-lines.js';

/** Lines that start, steer and end jobs. */
export const jobLines: readonly HumanCommand[] = [
  {
    name: 'block_stream',
    flags: '',
    least: 1,
    most: 3,
    help: 'block_stream device [speed [base]] -- copy data from backing files into an image',
    async run({ words: [device = '', speed, base] }, monitor) {
      await monitor.run('block-stream', {
        device,
        ...(base === undefined ? {} : { base }),
        ...(speed === undefined ? {} : { speed: mebibytesOf(speed, 'speed') }),
      });
    },
  },
  {
    name: 'drive_mirror',
    flags: 'nf',
    least: 2,
    most: 3,
    help: `drive_mirror [-n] [-f] device target [format] -- mirror a device to an image
-n: use an image that exists; -f: copy all of the disk, not only its uppermost layer`,
    async run({ flags, words: [device = '', target = '', format] }, monitor) {
      await monitor.run('drive-mirror', {
        device,
        target,
        ...(format === undefined ? {} : { format }),
        sync: flags.has('f') ? 'full' : 'top',
        mode: flags.has('n') ? 'existing' : 'absolute-paths',
        unmap: true,
      });
    },
  },
  {
    name: 'drive_backup',
    flags: 'nfc',
    least: 2,
    most: 3,
    help: `drive_backup [-n] [-f] [-c] device target [format] -- copy a device to an image as it is now
-n: use an image that exists; -f: copy all of the disk, not only its uppermost layer; -c: compress`,
    async run({ flags, words: [device = '', target = '', format] }, monitor) {
      await monitor.run('drive-backup', {
        device,
        target,
        ...(format === undefined ? {} : { format }),
        sync: flags.has('f') ? 'full' : 'top',
        mode: flags.has('n') ? 'existing' : 'absolute-paths',
        compress: flags.has('c'),
      });
    },
  },
  {
    name: 'block_job_set_speed',
    flags: '',
    least: 2,
    most: 2,
    help: 'block_job_set_speed device speed -- limit a job to some MiB each second, or as the suffix says (B, k, M, G, T); 0 for no limit',
    async run({ words: [device = '', speed = ''] }, monitor) {
      await monitor.run('block-job-set-speed', { device, speed: mebibytesOf(speed, 'speed') });
    },
  },
  {
    name: 'block_job_cancel',
    flags: 'f',
    least: 1,
    most: 1,
    help: 'block_job_cancel [-f] device -- end a job, with -f even when it is paused',
    async run({ flags, words: [device = ''] }, monitor) {
      await monitor.run('block-job-cancel', { device, force: flags.has('f') });
    },
  },
  {
    name: 'block_job_complete',
    flags: '',
    least: 1,
    most: 1,
    help: 'block_job_complete device -- let a job that is ready finish',
    async run({ words: [device = ''] }, monitor) {
      await monitor.run('block-job-complete', { device });
    },
  },
  {
    name: 'block_job_pause',
    flags: '',
    least: 1,
    most: 1,
    help: 'block_job_pause device -- pause a job',
    async run({ words: [device = ''] }, monitor) {
      await monitor.run('block-job-pause', { device });
    },
  },
  {
    name: 'block_job_resume',
    flags: '',
    least: 1,
    most: 1,
    help: 'block_job_resume device -- go on with a job that is paused',
    async run({ words: [device = ''] }, monitor) {
      await monitor.run('block-job-resume', { device });
    },
  },
  {
    name: 'commit',
    flags: '',
    least: 1,
    most: 1,
    help: 'commit device|all -- write what an image has into its backing file, and empty it',
    run: ({ words: [device = ''] }, monitor) => monitor.commit(device),
  },
];
