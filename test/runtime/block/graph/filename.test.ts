import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  describeNode,
  isJsonName,
  type NamedNode,
  parseJsonName,
  protocolOf,
  resolveBackingName,
} from '../../../../runtime/block/graph/filename.js';
import { BlockOptions } from '../../../../runtime/block/options.js';

describe('file names', () => {
  it.each([
    ['nbd:unix:/run/x', 'nbd'],
    ['http://host/a', 'http'],
    ['file:a', 'file'],
    ['a.img', undefined],
    ['/a:b', undefined],
    ['./a:b', undefined],
    ['dir/a:b', undefined],
    [':a', ''],
    ['', undefined],
  ])('%j has the protocol %j', (name, protocol) => expect(protocolOf(name)).toBe(protocol));

  it.each([
    ['dir/over.img', 'base.img', 'dir/base.img'],
    ['/abs/over.img', '../base.img', '/abs/../base.img'],
    ['over.img', 'base.img', 'base.img'],
    ['over.img', '/abs/base.img', '/abs/base.img'],
    ['dir/over.img', 'nbd:x', 'nbd:x'],
    ['dir/over.img', 'json:{}', 'json:{}'],
    ['file:over.img', 'base.img', 'file:base.img'],
    ['file:dir/over.img', 'base.img', 'file:dir/base.img'],
    ['http://host/dir/over', 'base', 'http://host/dir/base'],
    // No protocol: the colon comes after a slash.
    ['./od:d', 'base.img', './base.img'],
    ['/dir/od:d.img', 'base.img', '/dir/base.img'],
    ['dir:x/over', 'base', 'dir:x/base'],
    ['http://host', 'b', 'http://host/b'],
    ['http://host/', 'b', 'http://host/b'],
  ])('beside %j, %j is %j', (overlay, name, resolved) => expect(resolveBackingName(overlay, name)).toBe(resolved));

  it.each(['json:{"driver": "qcow2"}', ''])('nothing is beside %j', (overlay) => {
    expect(() => resolveBackingName(overlay, 'base.img')).toThrow("relative backing file name 'base.img'");
    expect(resolveBackingName(overlay, '/base.img')).toBe('/base.img');
  });
});

describe('json: names', () => {
  it('reads json: names as objects of options, flat or nested', () => {
    expect(isJsonName('json:{}')).toBe(true);
    expect(isJsonName('a.json:{}')).toBe(false);
    const options = parseJsonName(
      'json:{"driver": "raw", "file": {"filename": "a"}, "x.y": 1, "l": [true, {"z": null}]}',
    );
    expect(Object.fromEntries(options.entries())).toEqual({
      driver: 'raw',
      'file.filename': 'a',
      'x.y': 1,
      'l.0': true,
      'l.1.z': null,
    });
  });

  it.each(['json:', 'json:{', 'json:1', 'json:[]', 'json:null', 'json:"a"'])('refuses the json: name %s', (name) => {
    expect(() => parseJsonName(name)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });
});

type Described = ReturnType<typeof describeNode>;

function node(
  kind: 'format' | 'protocol',
  given: object,
  children: { readonly [name: string]: Described } = {},
  instance: NamedNode['instance'] = {},
  backingOverridden = false,
): Described {
  const driver = { name: kind === 'format' ? 'raw' : 'file', kind };
  return describeNode({
    driver,
    given: BlockOptions.flatten(given),
    children: new Map(Object.entries(children).map(([name, child]) => [name, { node: child }])),
    instance,
    backingOverridden,
  });
}

describe('the name of a node', () => {
  const file = node('protocol', { driver: 'file', filename: 'a.img' });

  it('shows the name of the file where that opens the same', () => {
    expect(file.filename).toBe('a.img');
    expect(node('format', { driver: 'raw', file: 'f', 'read-only': true, 'node-name': 'n' }, { file }).filename).toBe(
      'a.img',
    );
    expect(
      node('format', { cache: { direct: true }, 'detect-zeroes': 'on', discard: 'unmap' }, { file }).filename,
    ).toBe('a.img');
    expect(node('format', { backing: '' }, { file, backing: file }).filename).toBe('a.img');
    expect(node('format', { backing: { driver: 'raw' } }, { file }).filename).toBe('a.img');
  });

  it('shows the backing file that an image has, or that it has none, where its header says something else', () => {
    const base = node('protocol', { driver: 'file', filename: 'b.img' });
    expect(node('format', {}, { file, backing: base }, {}, true).filename).toBe(
      'json:{"backing": {"driver": "file", "filename": "b.img"}, "driver": "raw", "file": {"driver": "file", "filename": "a.img"}}',
    );
    expect(node('format', { backing: null }, { file }, {}, true).filename).toBe(
      'json:{"backing": null, "driver": "raw", "file": {"driver": "file", "filename": "a.img"}}',
    );
  });

  it('shows a json: name of the options where any of them matters', () => {
    const odd = node('protocol', { driver: 'file', filename: 'a.img', aio: 'native' });
    expect(odd.filename).toBe('json:{"driver": "file", "aio": "native", "filename": "a.img"}');
    expect(node('format', {}, { file: odd }).filename).toBe(
      'json:{"driver": "raw", "file": {"driver": "file", "aio": "native", "filename": "a.img"}}',
    );
    expect(node('format', { offset: 512 }, { file }).filename).toBe(
      'json:{"driver": "raw", "offset": 512, "file": {"driver": "file", "filename": "a.img"}}',
    );
  });

  it('shows the name from the driver where that has one', () => {
    expect(node('protocol', {}, {}, { exactFilename: () => 'null-co://' }).filename).toBe('null-co://');
    expect(node('protocol', { filename: 'a' }, {}, { exactFilename: () => undefined }).filename).toBe(
      'json:{"driver": "file", "filename": "a"}',
    );
    expect(node('format', { x: 1 }, { file }, { effectiveOptions: () => ({}) }).filename).toBe('a.img');
    expect(node('format', {}, { file }, { effectiveOptions: () => ({ y: true }) }).filename).toContain('"y": true');
  });

  it('lists the children of a list', () => {
    expect(node('protocol', { driver: 'file' }, { 'children.0': file, 'children.1': file }).options).toEqual({
      driver: 'file',
      children: [
        { driver: 'file', filename: 'a.img' },
        { driver: 'file', filename: 'a.img' },
      ],
    });
  });

  it('property: opens the same again', () => {
    const key = fc
      .stringMatching(/^[a-z]{1,5}$/)
      .filter((name) => !['file', 'driver', 'backing', 'discard'].includes(name));
    const value = fc.oneof(fc.string(), fc.boolean(), fc.integer());
    fc.assert(
      fc.property(fc.dictionary(key, value), fc.string(), (own, filename) => {
        const inner = node('protocol', { ...own, filename });
        const outer = node('format', own, { file: inner });
        if (!outer.filename.startsWith('json:')) return outer.filename === filename;
        const again = parseJsonName(outer.filename);
        const below = again.takeUnder('file');
        below.take('driver');
        again.take('driver');
        const expected = new Map<string, unknown>(Object.entries(own));
        expect(new Map<string, unknown>(again.entries())).toEqual(expected);
        expect(new Map<string, unknown>(below.entries())).toEqual(expected.set('filename', filename));
        return true;
      }),
    );
  });
});
