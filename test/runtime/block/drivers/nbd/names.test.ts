import { describe, expect, it } from 'vitest';
import { parseNbdName } from '../../../../../runtime/block/drivers/nbd/names.js';

describe('file names of the driver nbd', () => {
  it.each([
    ['nbd:localhost:10809', { place: { host: 'localhost', port: 10809 } }],
    ['nbd:h:1:exportname=a:b?c', { place: { host: 'h', port: 1 }, export: 'a:b?c' }],
    ['nbd::99', { place: { host: 'localhost', port: 99 } }],
    ['nbd:[::1]:5:exportname=x', { place: { host: '::1', port: 5 }, export: 'x' }],
    ['nbd:unix:/run/a b.sock', { place: { path: '/run/a b.sock' } }],
    ['nbd:unix:rel:exportname=', { place: { path: 'rel' }, export: '' }],
    ['nbd:unix:/s:t:exportname=e:exportname=f', { place: { path: '/s:t' }, export: 'e:exportname=f' }],
    ['nbd://h', { place: { host: 'h', port: 10809 } }],
    ['nbd://h:', { place: { host: 'h', port: 10809 } }],
    ['nbd://h:7/', { place: { host: 'h', port: 7 } }],
    ['nbd+tcp://[::1]:7/a/b%20c', { place: { host: '::1', port: 7 }, export: 'a/b c' }],
    ['nbd+unix:///ex?socket=/run/s', { place: { path: '/run/s' }, export: 'ex' }],
    ['nbd+unix://?socket=s%3Ft', { place: { path: 's?t' } }],
  ])('%s is taken apart', (name, parts) => {
    expect(parseNbdName(name)).toEqual(parts);
  });

  it.each([
    'nbd:',
    'nbd:host',
    'nbd:host:',
    'nbd:unix:',
    'nbd:a:b:c',
    'nbd://',
    'nbd:///export',
    'nbd://h/e?socket=s',
    'nbd://h/e#f',
    'nbd://user@h/e',
    'nbd+unix:///e',
    'nbd+unix:///e?socket=',
    'nbd+unix:///e?socket=a&socket=b',
    'nbd+unix://h/e?socket=s',
  ])('%s is refused, with the forms that there are', (name) => {
    expect(() => parseNbdName(name)).toThrow(/names no NBD server: write nbd:HOST:PORT/);
  });

  it.each([
    ['nbd:h:0', /'0' is not a TCP port/],
    ['nbd:h:65536', /'65536' is not a TCP port/],
    ['nbd:h:nbd', /'nbd' is not a TCP port/],
    ['nbd://h/%zz', /not percent-encoded/],
  ])('%s is refused for what is wrong with it', (name, problem) => {
    expect(() => parseNbdName(name)).toThrow(problem);
  });
});
