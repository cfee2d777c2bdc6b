import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBlockdev, readObject } from '../../../cli/serve/schema-options.js';
import { readSocketPlace } from '../../../runtime/block/commands/address.js';
import { readNbd } from '../../../runtime/block/commands/nbd-option.js';
import { readDevice } from '../../../runtime/block/drive/device.js';
import { abstractPath } from '../../../runtime/qmp/abstract/name.js';
import { formatSocketPlace } from '../../../runtime/qmp/server/socket-place.js';

describe('an address', () => {
  it.each([
    ['unix:/run/a b:c', { path: '/run/a b:c' }],
    ['unix:relative', { path: 'relative' }],
    ['abstract:a b', { path: '\0a b' }],
    ['abstract:a,tight=off', { path: `\0a${'\0'.repeat(106)}` }],
    ['tcp::10809', { host: 'localhost', port: 10809 }],
    ['tcp:0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    ['tcp:[::1]:65535', { host: '::1', port: 65535 }],
  ])('%s', (text, place) => {
    expect(readSocketPlace(text)).toEqual(place);
  });

  it.each(['', 'unix:', 'tcp:', 'tcp:host', 'tcp:host:', 'tcp:host:65536', 'tcp:::1:5', '/run/a', 'stdio', 'tcp:h:-1'])(
    '%j is no address',
    (text) => {
      expect(() => readSocketPlace(text)).toThrow(/is no address: write unix:PATH, abstract:NAME or tcp:HOST:PORT/);
    },
  );

  it('writes an address as it was read', () => {
    const place = fc.oneof(
      fc.record({ path: fc.string({ minLength: 1 }) }),
      fc
        .tuple(fc.string({ minLength: 1, maxLength: 50 }), fc.boolean())
        .map(([name, tight]) => ({ path: abstractPath(name, tight) })),
      fc.record({ host: fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()), port: fc.nat(0xffff) }),
    );
    fc.assert(
      fc.property(place, (wanted) => {
        expect(readSocketPlace(formatSocketPlace(wanted))).toEqual(wanted);
      }),
    );
  });
});

describe('--device', () => {
  it.each([
    ['cdrom,drive=d', { kind: 'cdrom', drive: 'd', id: undefined, locked: false }],
    ['type=floppy,id=x,drive=d', { kind: 'floppy', drive: 'd', id: 'x', locked: false }],
    ['cdrom,drive=d,locked=on', { kind: 'cdrom', drive: 'd', id: undefined, locked: true }],
  ])('%s', (text, config) => {
    expect(readDevice(text)).toEqual(config);
  });

  it.each([
    ['', /'type' is missing/],
    ['drive=d', /'type' is missing/],
    ['disk', /'drive' is missing/],
    ['tape,drive=d', /'type' cannot be 'tape'; it can be disk, cdrom, floppy/],
    ['disc,drive=d', /did you mean 'disk'/],
    ['disk,drive=d,id=1', /'id' expects an identifier/],
    ['disk,drive=d,locked=on', /only a cdrom/],
    ['cdrom,drive=d,locked=maybe', /'on' or 'off'/],
    ['disk,drive=d,lokced=on', /did you mean 'locked'/],
    ['disk,drive.x=d', /no parameter 'drive.x'|'drive.x'/],
  ])('%j is refused', (text, message) => {
    expect(() => readDevice(text)).toThrow(message);
  });
});

describe('--nbd', () => {
  it.each([
    ['unix:/s', { listen: { path: '/s' }, export: undefined }],
    ['unix:/s,device=d', { listen: { path: '/s' }, export: { name: 'd', of: { device: 'd' }, writable: false } }],
    ['node=n,writable=on', { listen: undefined, export: { name: 'n', of: { node: 'n' }, writable: true } }],
    [
      'listen=unix:/a,,b=c,node=n,export=x',
      { listen: { path: '/a,b=c' }, export: { name: 'x', of: { node: 'n' }, writable: false } },
    ],
    ['device=d,export=', { listen: undefined, export: { name: '', of: { device: 'd' }, writable: false } }],
  ])('%s', (text, config) => {
    expect(readNbd(text)).toEqual(config);
  });

  it.each([
    ['', /nothing to do/],
    ['unix:', /no address/],
    ['unix:/s,export=e', /nothing to export/],
    ['unix:/s,writable=on', /nothing to export/],
    ['unix:/s,device=d,node=n', /exclude each other/],
    ['unix:/s,device=d,writeable=on', /did you mean 'writable'/],
    ['unix:/s,device=d,writable=1', /'on' or 'off'/],
    [`node=n,export=${'x'.repeat(257)}`, /at most 256 bytes/],
  ])('%j is refused', (text, message) => {
    expect(() => readNbd(text)).toThrow(message);
  });
});

describe('--blockdev and --object', () => {
  it('reads options as key=value text and as JSON', () => {
    expect(readBlockdev('qcow2,node-name=q,file.driver=file,file.filename=a')).toEqual({
      driver: 'qcow2',
      'node-name': 'q',
      file: { driver: 'file', filename: 'a' },
    });
    expect(readBlockdev('{"driver": "null-co", "node-name": "n", "size": 512}')).toEqual({
      driver: 'null-co',
      'node-name': 'n',
      size: 512,
    });
    expect(readObject('memory-backend-file,id=m,size=1M,mem-path=/m,rom=on,readonly=on')).toMatchObject({
      size: 1048576,
      rom: 'on',
    });
  });

  it('reports what is wrong with an option', () => {
    expect(() => readBlockdev('null-co')).toThrow(/'node-name' must be specified/);
    expect(() => readBlockdev('{"driver": "null-co"')).toThrow(/not complete/);
    expect(() => readObject('secret')).toThrow(/'id'/);
    expect(() => readObject('bogus,id=x')).toThrow(/'qom-type'/);
  });
});
