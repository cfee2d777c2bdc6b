import { describe, expect, it } from 'vitest';
import { builtInDrivers } from '../../../../runtime/block/built-in-drivers.js';
import { nullCo } from '../../../../runtime/block/drivers/null.js';

const head = (text: string): Uint8Array => {
  const bytes = Buffer.alloc(512);
  bytes.write(text, 'latin1');
  return bytes;
};
const bochs = (version: number, subtype = 'Growing'): Uint8Array => {
  const bytes = Buffer.from(head('Bochs Virtual HD Image'));
  bytes.write('Redolog', 32);
  bytes.write(subtype, 48);
  bytes.writeUInt32LE(version, 64);
  return bytes;
};
const vdi = Buffer.alloc(512);
vdi.writeUInt32LE(0xbeda107f, 64);
const cloop = '#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n';
const drivers = builtInDrivers();
describe('probing', () => {
  it.each([
    ['bochs', bochs(0x10000), 'a'],
    ['bochs', bochs(0x20000), 'a'],
    ['raw', bochs(0x30000), 'a'],
    ['raw', bochs(0x20000, 'Flat'), 'a'],
    ['cloop', head(cloop), 'a'],
    ['raw', head(cloop).subarray(0, 20), 'a'],
    ['qed', head('QED').subarray(0, 3), 'a'],
    ['raw', new Uint8Array(0), 'a.dmg'],
    ['raw', head(cloop.replace('iso9660', 'ext4')), 'a'],
    ['dmg', head(''), 'a.dmg'],
    ['raw', head(''), '.dmg'],
    ['raw', head(''), 'a.dmg.gz'],
    ['parallels', head('WithoutFreeSpace\x02'), 'a'],
    ['parallels', head('WithouFreSpacExt\x02'), 'a'],
    ['raw', head('WithoutFreeSpace\x03'), 'a'],
    ['qcow', head('QFI\xfb\0\0\0\x01'), 'a'],
    ['qcow2', head('QFI\xfb\0\0\0\x02'), 'a'],
    ['qed', head('QED\0'), 'a'],
    ['vdi', vdi, 'a'],
    ['raw', vdi.subarray(0, 67), 'a'],
    ['vhdx', head('vhdxfile'), 'a'],
    ['vmdk', head('KDMV'), 'a'],
    ['vmdk', head('COWD'), 'a'],
    ['vmdk', head('# Disk DescriptorFile\nversion=1\nCID=1'), 'a'],
    ['vmdk', head('#a\r\n  \r\n \n#b\nversion=3\r\n'), 'a'],
    ['raw', head('# Disk DescriptorFile\nversion=4\n'), 'a'],
    ['raw', head('# Disk DescriptorFile\n\nversion=1\n'), 'a'],
    ['raw', head('x version=1\n'), 'a'],
    ['vpc', head('conectix'), 'a'],
    // The stronger one of two marks counts.
    ['qed', head('QED\0'), 'a.dmg'],
    ['raw', new Uint8Array(0), 'a'],
  ])('an image in format %s is recognised', (name, data, filename) => {
    expect(drivers.probe(data, filename).name).toBe(name);
  });

  it('a driver of the same name takes the place of one that is built in', () => {
    const more = builtInDrivers([{ ...nullCo, name: 'qed', kind: 'format', probe: () => 0 }]);
    expect(more.probe(head('QED\0'), 'a').name).toBe('raw');
  });
});
