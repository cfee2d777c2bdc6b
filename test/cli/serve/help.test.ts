import { describe, expect, it } from 'vitest';
import { qapiTs } from '../command-line.js';

describe('the help of an option of serve', () => {
  it.each(['help', '?', 'bogus,help', 'bogus,?'])('lists the types of objects: %s', async (text) => {
    const { code, stdout } = await qapiTs(['serve', '--object', text]);
    expect(code).toBe(0);
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      'List of user creatable objects:',
      '  authz-list',
      '  authz-listfile',
    ]);
  });

  it('lists the properties of a type', async () => {
    for (const text of ['secret,help', 'secret,id=x,help', 'secret,?']) {
      expect(await qapiTs(['serve', '--object', text])).toEqual({
        code: 0,
        stdout: [
          'secret options:',
          ...['data=<string>', 'file=<string>', 'format=<QCryptoSecretFormat>', 'iv=<string>', 'keyid=<string>'].map(
            (line) => `  ${line}`,
          ),
          '',
        ].join('\n'),
        stderr: '',
      });
    }
  });

  it('lists the kinds of character devices, and what they take', async () => {
    expect(await qapiTs(['serve', '--chardev', 'help'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Available chardev backend types: \n {2}file\n/),
    });
    expect(await qapiTs(['serve', '--chardev', 'socket,id=c,help'])).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^chardev options:\n {2}abstract=<bool \(on\/off\)>\n/),
    });
  });

  it('prints nothing where there is no help', async () => {
    expect(await qapiTs(['serve', '--trace', 'help'])).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await qapiTs(['serve', '--blockdev', 'help'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Help is not available for this option'),
    });
  });
});
