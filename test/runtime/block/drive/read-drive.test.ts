import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DriveConfig } from '../../../../runtime/block/drive/config.js';
import {
  commonDriveOptions,
  driveAliases,
  driveOptions,
  legacyDriveOptions,
  nodeOptions,
  throttleOptions,
} from '../../../../runtime/block/drive/options.js';
import { readDrive } from '../../../../runtime/block/drive/read-drive.js';
import { Taken } from './registry.js';

const read = (text: string, taken = new Taken()): DriveConfig => readDrive(text, taken);
const options = (text: string): Record<string, unknown> => Object.fromEntries(read(text).nodeOptions.entries());

/** Reads one drive after the other, each of which takes its name and slot. */
function readAll(...texts: string[]): DriveConfig[] {
  const taken = new Taken();
  return texts.map((text) => {
    const config = readDrive(text, taken);
    taken.add(config);
    return config;
  });
}

describe('a drive', () => {
  it('reads a drive without options as one with the defaults', () => {
    const { nodeOptions, ...config } = read('file=a.qcow2');
    expect(config).toEqual({
      id: 'none0',
      empty: false,
      filename: 'a.qcow2',
      writeback: true,
      readOnly: false,
      copyOnRead: false,
      snapshot: false,
      detectZeroes: 'off',
      discard: 'ignore',
      aio: 'threads',
      throttling: undefined,
      writeError: 'enospc',
      readError: 'report',
      statsAccountInvalid: true,
      statsAccountFailed: true,
      statsIntervals: [],
      device: { interface: 'none', bus: 0, unit: 0, kind: 'none' },
      warnings: [],
    });
    expect(Object.fromEntries(nodeOptions.entries())).toEqual({
      'cache.direct': false,
      'cache.no-flush': false,
      'read-only': false,
      discard: 'ignore',
    });
  });

  it('reads a drive without an image as empty', () => {
    expect(read('id=x')).toMatchObject({ id: 'x', empty: true, filename: undefined });
    expect(read('file=')).toMatchObject({ empty: true });
    expect(read('if=ide,media=cdrom,detect-zeroes=on,bps=1,aio=native,stats-intervals.0=5')).toMatchObject({
      empty: true,
      readOnly: true,
      detectZeroes: 'on',
    });
    expect([...read('id=x').nodeOptions.keys()]).toEqual([]);
  });

  it.each(['cache=none', 'discard=unmap', 'node-name=n', 'bogus=1', 'lazy-refcounts=on', 'stats-interval=5'])(
    'refuses %s for a drive without an image',
    (option) => {
      expect(() => read(`id=x,${option}`)).toThrow(/about an image, but there is none/);
    },
  );

  it('passes unknown options on to the drivers', () => {
    expect(options('file=a,driver=qcow2,lazy-refcounts=on,file.locking=off,backing.driver=raw')).toMatchObject({
      driver: 'qcow2',
      'lazy-refcounts': 'on',
      'file.locking': 'off',
      'backing.driver': 'raw',
    });
    expect(read('file.driver=file,file.filename=a').filename).toBeUndefined();
    expect(options('file=json:{"driver":"raw",,"file":"x"}')).not.toHaveProperty('driver');
    expect(read('file=json:{"driver":"raw",,"file":"x"}').filename).toBe('json:{"driver":"raw","file":"x"}');
  });

  it.each([
    ['writeback', true, false, false],
    ['none', true, true, false],
    ['off', true, true, false],
    ['writethrough', false, false, false],
    ['directsync', false, true, false],
    ['unsafe', true, false, true],
  ])('reads the caches from cache=%s', (mode, writeback, direct, noFlush) => {
    expect(read(`file=a,cache=${mode}`).writeback).toBe(writeback);
    expect(options(`file=a,cache=${mode}`)).toMatchObject({ 'cache.direct': direct, 'cache.no-flush': noFlush });
  });

  it('prefers parts of the cache mode to the mode, wherever they stand', () => {
    expect(read('file=a,cache=writethrough,cache.writeback=on').writeback).toBe(true);
    expect(read('file=a,cache.writeback=on,cache=writethrough').writeback).toBe(true);
    expect(options('file=a,cache=none,cache.direct=off,cache.no-flush=on')).toMatchObject({
      'cache.direct': false,
      'cache.no-flush': true,
    });
  });

  it('reads a drive as read-only when it says so, and when it is a CD-ROM', () => {
    for (const text of ['read-only=on', 'readonly=on', 'media=cdrom', 'media=cdrom,read-only=off']) {
      expect(read(`file=a,${text}`).readOnly, text).toBe(true);
      expect(options(`file=a,${text}`), text).toHaveProperty('read-only', true);
    }
    expect(read('file=a,if=scsi,media=disk').readOnly).toBe(false);
  });

  it('copies on read, but warns and does not for a read-only drive', () => {
    expect(read('file=a,copy-on-read=on')).toMatchObject({ copyOnRead: true, warnings: [] });
    const { copyOnRead, warnings } = read('file=a,copy-on-read=on,readonly=on');
    expect(copyOnRead).toBe(false);
    expect(warnings).toEqual([expect.stringMatching(/copy-on-read.*read-only/)]);
    expect(read('file=a,if=ide,media=cdrom,copy-on-read=on').warnings).toHaveLength(1);
  });

  it.each([
    ['ignore', 'ignore'],
    ['off', 'ignore'],
    ['unmap', 'unmap'],
    ['on', 'unmap'],
  ])('reads discard=%s', (word, meaning) => {
    expect(read(`file=a,discard=${word}`).discard).toBe(meaning);
    expect(options(`file=a,discard=${word}`)).toHaveProperty('discard', meaning);
  });

  it('detects zeroes to unmap them even where it does not unmap', () => {
    expect(read('file=a,detect-zeroes=unmap')).toMatchObject({ detectZeroes: 'unmap', discard: 'ignore' });
    expect(options('file=a,detect-zeroes=unmap')).not.toHaveProperty('detect-zeroes');
  });

  it('reads the format under two names', () => {
    expect(options('file=a,format=qcow2')).toHaveProperty('driver', 'qcow2');
    expect(options('file=a,driver=qcow2')).toHaveProperty('driver', 'qcow2');
    expect(options('file=a,format=raw,format=qcow2')).toHaveProperty('driver', 'qcow2');
    expect(() => read('file=a,format=help')).toThrow(/qcow2/);
  });

  it('reads snapshot=on, and keeps the format for the image', () => {
    expect(read('file=a,format=qcow2,snapshot=on')).toMatchObject({ snapshot: true });
  });

  it('reads limits, for the drive itself or for a group', () => {
    expect(
      read('file=a,id=d,bps=1000,bps_max=5000,throttling.bps-total-max-length=3,iops_rd=7,iops_size=4096').throttling,
    ).toMatchObject({
      group: 'd',
      config: {
        'bps-total': { average: 1000, max: 5000, burstLength: 3 },
        'iops-read': { average: 7, max: 0, burstLength: 1 },
        'iops-write': { average: 0 },
        iopsSize: 4096,
      },
    });
    expect(read('file=a,bps=1,group=g').throttling?.group).toBe('g');
    expect(read('file=a,bps=1,throttling.group=g').throttling?.group).toBe('g');
    expect(read('file=a,group=g').throttling).toBeUndefined();
    expect(read('bps=1')).toMatchObject({ empty: true, throttling: { group: 'none0' } });
  });

  it('reads the policies for errors', () => {
    expect(read('file=a,werror=ignore,rerror=stop')).toMatchObject({ writeError: 'ignore', readError: 'stop' });
    expect(read('file=a,if=virtio,werror=enospc').writeError).toBe('enospc');
  });

  it('reads the options of statistics', () => {
    expect(
      read('file=a,stats-account-invalid=off,stats-account-failed=off,stats-intervals.1=60,stats-intervals.0=0x3'),
    ).toMatchObject({ statsAccountInvalid: false, statsAccountFailed: false, statsIntervals: [3, 60] });
  });

  it('reads geometry, serial number and address of the device', () => {
    expect(read('file=a,if=ide,cyls=10,heads=4,secs=0x11,serial=s,,1').device).toEqual({
      interface: 'ide',
      bus: 0,
      unit: 0,
      kind: 'disk',
      serial: 's,1',
      geometry: { cylinders: 10, heads: 4, sectors: 17, translation: 'auto' },
    });
    expect(read('file=a,cyls=1,heads=1,secs=1,trans=lba').device.geometry?.translation).toBe('lba');
    expect(read('file=a,if=virtio,addr=05.0').device).toMatchObject({ kind: 'disk', address: '05.0' });
  });

  it.each([
    ['if=none,media=cdrom', 'none'],
    ['if=ide', 'disk'],
    ['if=ide,media=cdrom', 'cdrom'],
    ['if=scsi,media=cdrom', 'cdrom'],
    ['if=virtio,media=cdrom', 'disk'],
    ['if=floppy', 'floppy'],
    ['if=sd', 'disk'],
  ])('makes the device for %s: %s', (text, kind) => {
    expect(read(text).device.kind).toBe(kind);
  });

  it('warns of what is deprecated', () => {
    expect(read('file=a,boot=on').warnings).toEqual([expect.stringContaining('boot')]);
    expect(read('file=a,readonly')).toMatchObject({
      readOnly: true,
      warnings: [expect.stringContaining('readonly=on')],
    });
    expect(read('file=a,noread-only')).toMatchObject({ readOnly: false, warnings: [expect.anything()] });
  });
});

describe('the id of a drive', () => {
  it('takes the first id that is given', () => {
    expect(read('file=a,id=d0,id=d1').id).toBe('d0');
  });

  it('makes the id from interface and slot', () => {
    expect(
      readAll(
        ...['if=ide', 'if=ide,media=cdrom', 'if=ide', 'if=ide,index=3', 'if=ide,bus=4,unit=1,media=cdrom'],
        ...[
          'if=scsi',
          'if=scsi,index=8',
          'if=floppy',
          'if=virtio',
          'if=virtio',
          'if=sd',
          'if=none',
          '',
          'if=none,unit=7',
        ],
      ).map(({ id }) => id),
    ).toEqual([
      ...['ide0-hd0', 'ide0-cd1', 'ide1-hd0', 'ide1-hd1', 'ide4-cd1'],
      ...['scsi0-hd0', 'scsi1-hd1', 'floppy0', 'virtio0', 'virtio1', 'sd0', 'none0', 'none1', 'none7'],
    ]);
  });

  it('counts slots of drives that have ids of their own', () => {
    expect(readAll('id=x', '').map(({ id }) => id)).toEqual(['x', 'none1']);
  });

  it('refuses an id that is taken', () => {
    const taken = new Taken();
    taken.names.set('d', 'device').set('n', 'node').set('none0', 'device');
    expect(() => read('id=d', taken)).toThrow("There is a device 'd' already");
    expect(() => read('id=n', taken)).toThrow("There is a node 'n' already");
    expect(() => read('', taken)).toThrow("There is a device 'none0' already");
    expect(() => read('id=x,file=a,node-name=x')).toThrow(/both/);
    expect(() => read('id=1bad')).toThrow(/'id' expects an identifier, not '1bad'/);
  });
});

describe('the slot of a drive', () => {
  it.each([
    ['if=ide,index=2', 1, 0],
    ['if=ide,index=5', 2, 1],
    ['if=scsi,index=13', 1, 6],
    ['if=virtio,index=13', 0, 13],
    ['if=ide,bus=1', 1, 0],
    ['if=ide,unit=1', 0, 1],
    ['if=ide,index=1,bus=0', 0, 1],
  ])('places a drive with %s at bus %i, unit %i', (text, bus, unit) => {
    expect(read(text).device).toMatchObject({ bus, unit });
  });

  it('takes the first free slot from a bus on', () => {
    const drives = readAll('if=ide,bus=1', 'if=ide,bus=1', 'if=ide,bus=1', 'if=ide');
    expect(drives.map(({ device: { bus, unit } }) => [bus, unit])).toEqual([
      [1, 0],
      [1, 1],
      [2, 0],
      [0, 0],
    ]);
  });

  it('refuses a slot that is taken', () => {
    expect(() => readAll('if=ide,index=1', 'if=ide,unit=1')).toThrow(/bus 0, unit 1 already/);
    expect(() => readAll('if=ide,unit=1', 'if=scsi,unit=1')).not.toThrow();
  });
});

describe('what a drive cannot have:', () => {
  it.each([
    ['if=bogus', /'if' cannot be 'bogus'.*virtio/],
    ['if=virtoi', /did you mean 'virtio'/],
    ['media=tape', /'media' cannot be 'tape'/],
    ['index=1,unit=0', /'index' excludes/],
    ['index=1,bus=1', /'index' excludes/],
    ['unit=-1', /'unit' is -1/],
    ['bus=-1', /'bus' is -1/],
    ['unit=a', /'unit' must be an integer, not 'a'/],
    ['if=ide,unit=2', /'unit' is 2.*0 to 1/],
    ['if=scsi,unit=7', /'unit' is 7.*0 to 6/],
    ['cyls=1', /'heads' is missing/],
    ['cyls=0,heads=1,secs=1', /'cyls' is 0/],
    ['cyls=1,heads=1,secs=-1', /'secs' is -1/],
    ['trans=lba', /'trans' needs 'cyls'/],
    ['cyls=1,heads=1,secs=1,trans=bogus', /'trans' cannot be 'bogus'/],
    ['media=cdrom,cyls=1,heads=1,secs=1', /CD-ROM/],
    ['addr=3', /if=virtio only/],
    ['if=floppy,werror=stop', /'werror' is not for if=floppy/],
    ['if=sd,rerror=stop', /'rerror' is not for if=sd/],
    ['werror=auto', /'werror' cannot be 'auto'/],
    ['rerror=enospc', /'rerror' cannot be 'enospc'/],
    ['cache=bogus', /'cache' cannot be 'bogus'/],
    ['cache.direct=maybe', /'on' or 'off'/],
    ['cache.writeback=maybe', /'on' or 'off'/],
    ['copy-on-read=yes', /'copy-on-read' must be 'on' or 'off', not 'yes'/],
    ['snapshot=1', /'on' or 'off'/],
    ['boot=maybe', /'on' or 'off'/],
    ['aio=io_uring', /'aio' cannot be 'io_uring'/],
    ['aio=native', /cache.direct=on/],
    ['detect-zeroes=maybe', /'detect-zeroes' cannot be 'maybe'/],
    ['discard=maybe', /'discard' cannot be 'maybe'/],
    ['format=raw,driver=raw', /'driver' is given twice/],
    ['readonly=on,read-only=on', /'read-only' is given twice/],
    ['bps=1M', /'throttling.bps-total' must be an integer/],
    ['bps=-1', /bps-total is -1/],
    ['bps=1,bps_rd=1', /bps-total cannot be used together/],
    ['bps=99999999999999999999', /too large/],
    ['bps=2,bps_max=1', /bps-total-max is 1/],
    ['bps_max=1', /bps-total-max needs/],
    ['iops_size=4096', /iops-size needs/],
    ['bps=2,bps_max=4,throttling.bps-total-max-length=0', /at least 1 second/],
    ['stats-intervals.0=0', /'stats-intervals.0' is 0, but must be between 1/],
    ['stats-intervals.0=5,stats-intervals.1=x', /'stats-intervals.1' must be an integer/],
    ['stats-intervals.0=4294967296', /between 1 and 4294967295/],
    ['stats-intervals.1=5', /'stats-intervals.1' cannot be/],
    ['stats-intervals=5', /'stats-intervals' cannot be/],
    ['stats-intervals.0.length=5', /'stats-intervals.0.length' cannot be/],
    ['stats-intervals.a=5', /'stats-intervals.a' cannot be/],
  ])('%s', (text, message) => {
    expect(() => read(`file=a,${text}`)).toThrow(message);
  });

  it('refuses native I/O where it is not available', () => {
    expect(read('file=a,aio=native,cache=none').aio).toBe('native');
    expect(read('file=a,aio=native,file.cache.direct=on').aio).toBe('native');
    expect(read('file=null-co://,aio=native').aio).toBe('native');
    expect(() => read('file=file:a,aio=native')).toThrow(/cache.direct/);
    expect(() => read('file.filename=a,aio=native')).toThrow(/cache.direct/);
  });
});

describe('what is wrong first decides:', () => {
  // In the order in which a drive is worked on.
  const wrong = [
    'cache=bogus',
    'unit=a',
    'media=tape',
    'if=bogus',
    'cyls=1',
    'index=1,unit=1',
    'addr=3',
    'snapshot=1',
    'stats-intervals.0=x',
    'aio=x',
    'bps=-1',
    'detect-zeroes=x',
    'format=raw,driver=raw',
    'werror=x',
    'rerror=x',
    'discard=x',
  ];

  it.each(wrong.slice(1).map((later, index) => [wrong[index] as string, later]))('%s before %s', (first, later) => {
    let message = '';
    try {
      read(`file=a,${first}`);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).not.toBe('');
    // What both set is wrong in both ways already.
    if (first.split('=')[0] !== later.split('=')[0]) expect(() => read(`file=a,${later},${first}`)).toThrow(message);
  });
});

describe('names of options', () => {
  it('declares every option in one table, and each alias for a declared option', () => {
    const all = [legacyDriveOptions, commonDriveOptions, throttleOptions, nodeOptions];
    expect(Object.keys(driveOptions)).toHaveLength(all.reduce((sum, table) => sum + Object.keys(table).length, 0));
    for (const name of Object.values(driveAliases)) expect(driveOptions).toHaveProperty([name]);
  });

  it.each(Object.entries(driveAliases))('%s is the same as %s, and excludes it', (old, name) => {
    const value = name === 'read-only' ? 'on' : name === 'throttling.group' ? 'g' : '7';
    // A limit makes the others legal.
    const kind = /^throttling\.((?:bps|iops)-\w+)-max$/.exec(name)?.[1];
    const base = kind
      ? `,throttling.${kind}=5`
      : name === 'throttling.iops-size'
        ? ',iops=5'
        : name === 'throttling.group'
          ? ',bps=5'
          : '';
    const { nodeOptions: _, ...withOld } = read(`file=a${base},${old}=${value}`);
    const { nodeOptions: __, ...withNew } = read(`file=a${base},${name}=${value}`);
    expect(withOld).toEqual(withNew);
    expect(withOld).not.toEqual(expect.objectContaining(read('file=a')));
    expect(() => read(`file=a${base},${old}=${value},${name}=${value}`)).toThrow(`'${name}' is given twice`);
  });
});

describe('any text', () => {
  const key = fc.oneof(
    fc.constantFrom(...Object.keys(driveOptions), ...Object.keys(driveAliases), 'id', 'cache', 'stats-intervals.0'),
    fc.string({ maxLength: 8 }),
  );
  const value = fc.oneof(
    fc.constantFrom(
      'on',
      'off',
      'none',
      'ide',
      'cdrom',
      'unmap',
      'raw',
      'stop',
      '0',
      '1',
      '-1',
      '18446744073709551616',
    ),
    fc.string({ maxLength: 8 }),
  );
  const text = fc
    .array(fc.tuple(key, value), { maxLength: 6 })
    .map((pairs) => pairs.map(([name, word]) => `${name}=${word.replaceAll(',', ',,')}`).join(','));

  it('reads any text, or refuses it with a reason', () => {
    fc.assert(
      fc.property(text, (drive) => {
        try {
          const config = read(drive);
          expect(config.id).toMatch(/^[A-Za-z][\w.-]*$/);
          expect(config.copyOnRead && config.readOnly).toBe(false);
          expect(config.empty).toBe(config.nodeOptions.size === 0);
        } catch (error) {
          expect(['BlockError', 'OptionError']).toContain((error as Error).name);
          expect((error as Error).message.length).toBeGreaterThan(10);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('reads the same text alike twice, and takes no id', () => {
    fc.assert(
      fc.property(text, (drive) => {
        const taken = new Taken();
        const attempt = (): unknown => {
          try {
            const { nodeOptions: node, ...rest } = read(drive, taken);
            return { ...rest, node: [...node.entries()] };
          } catch (error) {
            return (error as Error).message;
          }
        };
        expect(attempt()).toEqual(attempt());
        expect(taken.names.size + taken.slots.length).toBe(0);
      }),
    );
  });
});

describe('options that suit each other', () => {
  /** Values that exclude no other. */
  const values: Readonly<Record<string, fc.Arbitrary<string>>> = {
    file: fc.stringMatching(/^[a-z,=. ]{1,12}$/),
    id: fc.constantFrom('d', 'a-b.c_d'),
    if: fc.constantFrom('none', 'ide', 'scsi', 'virtio'),
    index: fc.constantFrom('0', '3', '0x4'),
    'read-only': fc.constantFrom('on', 'off'),
    'copy-on-read': fc.constantFrom('on', 'off'),
    cache: fc.constantFrom('none', 'writethrough', 'unsafe'),
    'cache.writeback': fc.constantFrom('on', 'off'),
    'cache.direct': fc.constantFrom('on', 'off'),
    discard: fc.constantFrom('unmap', 'ignore'),
    'detect-zeroes': fc.constantFrom('on', 'unmap'),
    werror: fc.constantFrom('stop', 'ignore'),
    rerror: fc.constantFrom('stop', 'report'),
    snapshot: fc.constantFrom('on', 'off'),
    'throttling.bps-read': fc.nat(1e6).map(String),
    'throttling.iops-write': fc.nat(1e6).map(String),
    'throttling.group': fc.constantFrom('g', 'h'),
    'stats-account-failed': fc.constantFrom('on', 'off'),
    'stats-intervals.0': fc.integer({ min: 1, max: 100 }).map(String),
    driver: fc.constantFrom('raw', 'qcow2'),
    'lazy-refcounts': fc.constantFrom('on', 'off'),
  };
  const older = new Map(Object.entries(driveAliases).map(([old, name]) => [name, old]));
  const given = fc
    .record(values, { requiredKeys: ['file'] })
    .map((record) => Object.entries(record).filter((entry): entry is [string, string] => entry[1] !== undefined));
  const write = (entries: readonly (readonly [string, string])[]): string =>
    entries.map(([name, value]) => `${name}=${value.replaceAll(',', ',,')}`).join(',');
  const plain = (text: string): object => {
    const { nodeOptions: node, ...rest } = read(text);
    return { ...rest, node: Object.fromEntries(node.entries()) };
  };

  it('reads options alike in any order, by any name', () => {
    const shuffled = given.chain((entries) =>
      fc.tuple(fc.constant(entries), fc.shuffledSubarray(entries, { minLength: entries.length }), fc.boolean()),
    );
    fc.assert(
      fc.property(shuffled, ([entries, others, old]) => {
        const renamed = others.map(([name, value]) => [(old && older.get(name)) || name, value] as const);
        expect(plain(write(renamed))).toEqual(plain(write(entries)));
      }),
      { numRuns: 500 },
    );
  });

  it('returns the values that were given', () => {
    fc.assert(
      fc.property(given, (entries) => {
        const config = read(write(entries));
        const value = Object.fromEntries(entries);
        expect(config.filename).toBe(value.file);
        expect(config.readOnly).toBe(value['read-only'] === 'on');
        expect(config.copyOnRead).toBe(value['copy-on-read'] === 'on' && value['read-only'] !== 'on');
        expect(config.snapshot).toBe(value.snapshot === 'on');
        expect(config.nodeOptions.get('lazy-refcounts')).toBe(value['lazy-refcounts']);
        expect(config.device.interface).toBe(value.if ?? 'none');
        if (value.id !== undefined) expect(config.id).toBe(value.id);
        const limits = [value['throttling.bps-read'], value['throttling.iops-write']].map((text) => Number(text ?? 0));
        if (limits.every((limit) => limit === 0)) expect(config.throttling).toBeUndefined();
        else {
          expect(config.throttling?.group).toBe(value['throttling.group'] ?? config.id);
          expect([
            config.throttling?.config['bps-read'].average,
            config.throttling?.config['iops-write'].average,
          ]).toEqual(limits);
        }
      }),
      { numRuns: 500 },
    );
  });
});
