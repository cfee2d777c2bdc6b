import { describe, expect, it } from 'vitest';
import { LayerClient } from '../layer-client.js';

describe('what is asked of the program', () => {
  it('query-name reports the name that the layer was given', async () => {
    await using named = new LayerClient({ name: 'store-3' });
    expect(await named.execute('query-name')).toEqual({ name: 'store-3' });
  });

  it('query-name reports nothing where no name was given', async () => {
    await using unnamed = new LayerClient();
    expect(await unnamed.execute('query-name')).toEqual({});
  });

  it('query-status reports that the program runs', async () => {
    await using client = new LayerClient();
    expect(await client.execute('query-status')).toEqual({ running: true, singlestep: false, status: 'running' });
  });
});
