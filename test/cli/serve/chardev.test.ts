import { describe, expect, it } from 'vitest';
import { readChardev } from '../../../cli/serve/chardev.js';

describe('--chardev', () => {
  it.each([
    ['null,id=c', { id: 'c', backend: 'null' }],
    ['stdio,id=c,signal=off', { id: 'c', backend: 'stdio' }],
    ['ringbuf,id=c,size=64k', { id: 'c', backend: 'null' }],
    ['memory,id=c', { id: 'c', backend: 'null' }],
    ['pipe,id=c,path=p', { id: 'c', backend: 'pipe', path: 'p' }],
    ['file,id=c,path=p', { id: 'c', backend: 'file', path: 'p', append: false, inputPath: undefined }],
    ['file,id=c,path=p,append=on,input-path=i', { id: 'c', backend: 'file', path: 'p', append: true, inputPath: 'i' }],
  ])('%s', (text, config) => {
    expect(readChardev(text)).toEqual(config);
  });

  it.each([
    ['null', 'chardev: no id specified'],
    ['id=c', 'chardev: "c" missing backend'],
    ['spicevmc,id=c', "'spicevmc' is not a valid char driver name: there are file, memory, null, pipe"],
    ['pty,id=c', "'pty' is not available in this server: there are file, memory, null, pipe"],
    ['null,id=c,logfile=l', "'logfile' is not available in this server"],
    ['file,id=c', 'chardev: file: no filename given'],
    ['pipe,id=c', 'chardev: pipe: no device path given'],
    ['ringbuf,id=c,size=3', 'size of ringbuf chardev must be power of two'],
    ['socket,id=c,path=p,host=h,port=1', "None or one of 'path', 'fd' or 'host' option required."],
    ['socket,id=c,path=p,fd=3', "None or one of 'path', 'fd' or 'host' option required."],
    ['socket,id=c,path=p,delay=on,nodelay=off', "'delay' and 'nodelay' are mutually exclusive"],
    ['socket,id=c,path=p,websocket=on,server=on', "'websocket' is not available in this server"],
  ])('%j is refused', (text, message) => {
    expect(() => readChardev(text)).toThrow(message);
  });
});
