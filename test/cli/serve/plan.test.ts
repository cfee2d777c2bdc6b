import { describe, expect, it } from 'vitest';
import { planServer, type ServerTexts } from '../../../cli/serve/plan.js';
import type { BlockDriver } from '../../../runtime/block/driver.js';
import { DriverRegistry } from '../../../runtime/block/graph/registry.js';
import type { DriverWhitelist } from '../../../runtime/block/graph/whitelist.js';

const driver = (name: string): BlockDriver => ({
  name,
  kind: 'format',
  open: () => Promise.reject(new Error('nothing is opened')),
});
const drivers = new DriverRegistry(['raw', 'qcow2', 'file', 'null-co', 'quorum'].map(driver), ['vmdk']);
const plan = (texts: ServerTexts, whitelist: DriverWhitelist = {}) => planServer(texts, { drivers, whitelist });
const problems = (texts: ServerTexts, whitelist?: DriverWhitelist) =>
  plan(texts, whitelist).problems.map(({ option, message }) => `${option}: ${message}`);

const nullNode = 'null-co,node-name=n';

describe('a plan', () => {
  it('plans what the options say, in their order', () => {
    const { plan: result, problems: none } = plan({
      object: ['secret,id=key,data=abc'],
      blockdev: [nullNode, '{"driver": "raw", "node-name": "r", "file": "n"}'],
      drive: ['id=d,file=a.qcow2', 'if=ide,media=cdrom'],
      device: ['cdrom,drive=d,locked=on'],
      nbd: ['unix:/run/nbd,device=d', 'node=n,export=e,writable=on', 'tcp::10809'],
      qmp: ['unix:/run/qmp', 'stdio', 'tcp::0', 'tcp::0'],
    });
    expect(none).toEqual([]);
    expect(result).toMatchObject({
      objects: [{ config: { 'qom-type': 'secret', id: 'key', data: 'abc' } }],
      blockdevs: [{ config: { driver: 'null-co', 'node-name': 'n' } }, { config: { driver: 'raw', file: 'n' } }],
      drives: [
        { option: '--drive id=d,file=a.qcow2', config: { id: 'd', filename: 'a.qcow2' } },
        { config: { id: 'ide0-cd0', empty: true } },
      ],
      devices: [{ config: { kind: 'cdrom', drive: 'd', locked: true } }],
      nbd: [
        {
          config: { path: '/run/nbd' },
          exports: [
            { config: { name: 'd', of: { device: 'd' }, writable: false } },
            { config: { name: 'e', of: { node: 'n' }, writable: true } },
          ],
        },
        { config: { host: 'localhost', port: 10809 }, exports: [] },
      ],
      qmp: [
        { config: { path: '/run/qmp' } },
        { config: 'stdio' },
        { config: { host: 'localhost', port: 0 } },
        { config: { host: 'localhost', port: 0 } },
      ],
    });
  });

  it('reports all problems, and does not repeat secrets', () => {
    expect(
      problems({
        object: ['secret,id=k,data=swordfish', 'secret,id=k,data=swordfish', 'secret,data=swordfish'],
        blockdev: ['null-co', 'bogus,node-name=x'],
        drive: ['cache=bogus', 'id=d'],
        qmp: ['here'],
      }),
    ).toEqual([
      "--object (no. 2): attempt to add duplicate property 'k' to object (type 'container')",
      expect.stringMatching(/^--object \(no\. 3\): 'id'/),
      expect.stringMatching(/^--blockdev null-co: 'node-name' must be specified/),
      expect.stringMatching(/^--blockdev bogus,node-name=x: 'driver'/),
      expect.stringMatching(/^--drive cache=bogus: 'cache' cannot be/),
      "--qmp here: 'here' is no address: write unix:PATH, abstract:NAME or tcp:HOST:PORT",
    ]);
  });

  const manyA = 'a'.repeat(32);
  it.each<[ServerTexts, RegExp]>([
    [{ blockdev: [nullNode, nullNode] }, /Duplicate nodes with node-name='n'/],
    [{ blockdev: ['null-co,node-name=1'] }, /Invalid node-name: '1'/],
    [{ blockdev: [`null-co,node-name=${manyA}`] }, /too long/],
    [{ blockdev: [nullNode], drive: ['id=n'] }, /There is a node 'n' already/],
    [{ drive: ['id=n', 'id=n'] }, /There is a device 'n' already/],
    [{ drive: ['file.node-name=n,file.driver=null-co,driver=raw', 'id=n'] }, /There is a node 'n' already/],
    [{ drive: ['if=ide,index=1', 'if=ide,index=1'] }, /bus 0, unit 1 already/],
    [
      { blockdev: ['raw,node-name=a,file=n', nullNode] },
      /Cannot find device='n' nor node-name='n': .* must come before/,
    ],
    [
      { blockdev: ['raw,node-name=a,file.driver=null-co,file.node-name=n', nullNode] },
      /Duplicate nodes with node-name='n'/,
    ],
    [{ blockdev: ['quorum,node-name=q,vote-threshold=1,children.0=x'] }, /Cannot find device='x' nor node-name='x'/],
    [{ blockdev: ['vmdk,node-name=v,file.driver=null-co'] }, /'vmdk' is not built in/],
    [{ drive: ['driver=bogus'] }, /Unknown driver 'bogus'/],
    [{ drive: ['file=a,format=vmdk'] }, /'vmdk' is not built in/],
    [{ blockdev: [`${nullNode},detect-zeroes=unmap`] }, /unmap/],
    [{ object: ['secret,id=type,data=x'] }, /attempt to add duplicate property 'type'/],
    [{ device: ['disk,drive=d'] }, /no drive 'd'/],
    [{ drive: ['id=d'], device: ['disk,drive=d', 'floppy,drive=d'] }, /already in use by another/],
    [{ device: ['scsi-hd,drive=nope'] }, /can't find value 'nope'/],
    [{ device: ['scsi-hd'] }, /drive property not set/],
    [{ device: ['virtio-net,id=n'] }, /'virtio-net' is not a valid device model name/],
    [{ blockdev: [nullNode], device: ['virtio-blk,drive=n,write-cache=maybe'] }, /'write-cache' expects/],
    [{ blockdev: [nullNode], device: ['virtio-blk,drive=n,werror=no'] }, /'werror' expects/],
    [{ device: ['virtio-scsi,id=s', '{"driver":"lsi53c895a","id":"s"}'] }, /Duplicate device ID 's'/],
    [{ device: ['{"driver":'] }, /not JSON/],
    [{ drive: ['id=d'], device: ['scsi-hd,drive=d', 'scsi-hd,drive=d'] }, /already in use by another/],
    [{ drive: ['id=d,if=ide'], device: ['disk,drive=d'] }, /has a device already/],
    [{ drive: ['id=d', 'id=e'], device: ['disk,drive=d,id=x', 'disk,drive=e,id=x'] }, /device 'x' already/],
    [{ drive: ['id=d', 'id=e,if=ide'], device: ['disk,drive=d,id=e'] }, /device 'e' already/],
    [{ nbd: ['unix:/s,device=d'] }, /no drive 'd'/],
    [{ nbd: ['unix:/s,node=d'] }, /no node 'd'/],
    [{ drive: ['id=d'], nbd: ['unix:/s,device=d'] }, /drive 'd' is empty/],
    [{ drive: ['id=d,file=a'], nbd: ['unix:/s,node=d'] }, /no node 'd'/],
    [{ blockdev: [nullNode], nbd: ['node=n'] }, /'listen' is missing/],
    [{ blockdev: [nullNode], nbd: ['unix:/s,node=n', 'unix:/s,node=n'] }, /export 'n' already/],
    [{ nbd: ['unix:/s'], qmp: ['unix:/s'] }, /--nbd unix:\/s listens there already/],
    [{ qmp: ['unix:/s,server=on,wait=off'] }, /write 'unix:\/s'.*without 'server=on,wait=off'/],
    [{ qmp: ['tcp::1,server,nowait'] }, /write 'tcp::1'/],
    [{ qmp: ['stdio', 'stdio'] }, /cannot use stdio by multiple character devices/],
    [{ qmp: ['stdio'], chardev: ['stdio,id=c'] }, /cannot use stdio by multiple character devices/],
    [{ qmp: ['tcp::5', 'tcp:localhost:5'] }, /listens there already/],
  ])('refuses %j', (texts, message) => {
    expect(problems(texts)).toEqual([expect.stringMatching(message)]);
  });

  it('takes devices of QEMU, for drives and nodes, and what they are plugged into', () => {
    const device = [
      'virtio-scsi-pci,id=scsi0',
      'scsi-hd,drive=n,bus=scsi0.0',
      '{"driver":"scsi-hd","drive":"n","share-rw":true}',
      'scsi-cd',
      'floppy,unit=0',
      'floppy,drive=d,unit=1',
    ];
    expect(problems({ blockdev: [nullNode], drive: ['id=d'], device })).toEqual([]);
  });

  it('exports the same node under two names, and on two servers', () => {
    const nbd = ['unix:/s,node=n', 'node=n,export=other', 'unix:/t,node=n'];
    expect(problems({ blockdev: [nullNode], nbd })).toEqual([]);
  });

  it('makes all drives temporary with --snapshot, unless they say otherwise', () => {
    const { drives } = plan({ snapshot: true, drive: ['file=a', 'file=a,snapshot=off'] }).plan;
    expect(drives.map(({ config }) => config.snapshot)).toEqual([true, false]);
  });

  it('keeps to the drivers that are allowed', () => {
    const whitelist = { readWrite: ['null-co'], readOnly: ['raw'] };
    expect(problems({ blockdev: [nullNode, 'raw,node-name=r,read-only=on,file=n'] }, whitelist)).toEqual([]);
    expect(problems({ blockdev: [nullNode, 'raw,node-name=r,file=n'] }, whitelist)).toEqual([
      expect.stringMatching(/'raw' can only be used for read-only/),
    ]);
    expect(problems({ drive: ['file=a,format=qcow2'] }, whitelist)).toEqual([
      expect.stringMatching(/'qcow2' is not whitelisted/),
    ]);
  });
});
