import { describe, expect, it } from 'vitest';
import { queryCommandLineOptions } from '../../../../runtime/block/commands/command-line-options.js';
import { driveAliases } from '../../../../runtime/block/drive/options.js';

const query = queryCommandLineOptions()['query-command-line-options'];

describe('query-command-line-options', () => {
  it('lists the options of all groups', () => {
    expect(query({}).map(({ option }) => option)).toEqual(['blockdev', 'device', 'drive', 'nbd', 'object']);
  });

  it('lists the options of one group', () => {
    expect(query({ option: 'object' })).toEqual([{ option: 'object', parameters: [] }]);
    expect(() => query({ option: 'nope' })).toThrow(expect.objectContaining({ class: 'GenericError' }));
    expect(() => query({ option: 'toString' })).toThrow("There is no option 'toString'");
  });

  it('merges the three lists of drives, and names nothing twice', () => {
    const [{ parameters } = { parameters: [] }] = query({ option: 'drive' });
    const names = parameters.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    // One or two of each list, and what two lists of the reference share.
    expect(names).toEqual(
      expect.arrayContaining([
        ...[
          'if',
          'index',
          'file',
          'boot',
          'addr',
          'snapshot',
          'throttling.bps-total-max-length',
          'stats-account-failed',
        ],
        ...[
          'node-name',
          'driver',
          'cache.direct',
          'discard',
          'read-only',
          'copy-on-read',
          'werror',
          'rerror',
          'detect-zeroes',
        ],
      ]),
    );
    for (const old of Object.keys(driveAliases)) expect(names).not.toContain(old);
    expect(parameters.find(({ name }) => name === 'copy-on-read')).toMatchObject({ type: 'boolean', default: 'off' });
    expect(parameters.find(({ name }) => name === 'throttling.iops-size')).toMatchObject({ type: 'number' });
  });
});
