import { describe, expect, it } from 'vitest';
import { parseGlusterName, takeGlusterOptions } from '../../../../../runtime/block/drivers/gluster/options.js';
import { BlockOptions } from '../../../../../runtime/block/options.js';

const tcp = (host: string, port = 24_007): object => ({ transport: 'tcp', host, port });

describe('where an image is on gluster', () => {
  it.each([
    ['gluster://host/vol/a/b.img', { volume: 'vol', path: 'a/b.img', servers: [tcp('host')] }],
    ['gluster+tcp://host:1/vol/a%20b', { volume: 'vol', path: 'a b', servers: [tcp('host', 1)] }],
    ['gluster://[::1]:7/v/p', { volume: 'v', path: 'p', servers: [tcp('::1', 7)] }],
    ['gluster:///v/p', { volume: 'v', path: 'p', servers: [tcp('localhost')] }],
    [
      'gluster+unix:///v/p?socket=/run/s',
      { volume: 'v', path: 'p', servers: [{ transport: 'unix', host: '/run/s', port: 0 }] },
    ],
  ])('the file name %s says it', (name, place) => {
    expect(parseGlusterName(name)).toEqual(place);
  });

  it.each([
    'gluster://host/vol',
    'gluster://host/vol/',
    'gluster:host',
    'gluster://host:70000/v/p',
    'gluster://host/v/p?socket=/s',
    'gluster+unix:///v/p',
    'gluster+unix://host/v/p?socket=/s',
    'gluster+rdma://host/v/p',
    'gluster://h/v/%zz',
  ])('the file name %s is refused', (name) => {
    expect(() => parseGlusterName(name)).toThrow();
  });

  it('the options say it, with several servers', () => {
    const servers = [
      { type: 'inet', host: 'a', port: '1' },
      { type: 'tcp', host: 'b' },
      { type: 'unix', path: '/s' },
    ];
    const options = BlockOptions.flatten({ volume: 'v', path: 'p', debug: 0, logfile: '/l', server: servers });
    expect(takeGlusterOptions(options)).toEqual({
      volume: 'v',
      path: 'p',
      servers: [tcp('a', 1), tcp('b'), { transport: 'unix', host: '/s', port: 0 }],
      debug: 0,
      logfile: '/l',
    });
    expect(options.size).toBe(0);
  });

  it.each<[object, string]>([
    [{}, "needs the options 'volume', 'path' and 'server'"],
    [{ volume: 'v', path: 'p' }, "needs the options 'volume', 'path' and 'server'"],
    [{ volume: 'v', path: 'p', server: [{ type: 'unix' }] }, "Option 'path' of a gluster server is missing"],
    [{ volume: 'v', path: 'p', server: [{ type: 'inet' }] }, "needs a 'type' (inet, unix) and a 'host'"],
    [{ volume: 'v', path: 'p', server: [{ type: 'inet', host: 'h', port: 'x' }] }, "'x' is no port"],
    [{ filename: 'gluster://h/v/p', debug: 10 }, "Option 'debug'"],
  ])('the options %j are refused', (options, message) => {
    expect(() => takeGlusterOptions(BlockOptions.flatten(options))).toThrow(message);
  });
});
