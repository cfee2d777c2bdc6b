import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { planServer } from '../../../cli/serve/plan.js';
import { builtInDrivers } from '../../../runtime/block/built-in-drivers.js';
import { readDevice } from '../../../runtime/block/drive/device.js';
import { readDrive } from '../../../runtime/block/drive/read-drive.js';
import { LayerClient } from '../../runtime/block/layer-client.js';

const id = fc.constantFrom('a', 'b', 'none0', 'ide0-hd0', '1');
const drive = fc
  .record({
    id: fc.option(id, { nil: undefined }),
    if: fc.constantFrom('none', 'none', 'ide', 'virtio', 'floppy'),
    unit: fc.option(fc.nat(2), { nil: undefined }),
    image: fc.constantFrom('', ',driver=null-co', ',driver=null-co,node-name=a', ',driver=archipelago'),
  })
  .map(({ id: name, if: type, unit, image }) =>
    [`if=${type}`, ...(name === undefined ? [] : [`id=${name}`]), ...(unit === undefined ? [] : [`unit=${unit}`])]
      .join(',')
      .concat(image),
  );
const device = fc
  .record({ kind: fc.constantFrom('disk', 'cdrom'), drive: id, id: fc.option(id, { nil: undefined }) })
  .map(({ kind, drive: of, id: own }) => `${kind},drive=${of}${own === undefined ? '' : `,id=${own}`}`);

/** The options that a layer refuses when they are carried out one after the other. */
async function refusedByLayer(drives: string[], devices: string[]): Promise<string[]> {
  const client = new LayerClient();
  const { layer } = client;
  const refused: string[] = [];
  const attempt = async (option: string, work: () => Promise<void> | void): Promise<void> => {
    try {
      await work();
    } catch {
      refused.push(option);
    }
  };
  for (const text of drives) await attempt(`--drive ${text}`, () => layer.addDrive(readDrive(text, layer.registry)));
  for (const text of devices) await attempt(`--device ${text}`, () => layer.addDevice(readDevice(text)));
  await layer.close();
  return refused;
}

it('the check of a command line refuses the drives and devices that the layer refuses, and no others', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(drive, { maxLength: 5 }), fc.array(device, { maxLength: 4 }), async (drives, devices) => {
      const { problems } = planServer({ drive: drives, device: devices }, { drivers: builtInDrivers() });
      expect(problems.map(({ option }) => option)).toEqual(await refusedByLayer(drives, devices));
    }),
    { seed: 8_4_4, numRuns: 300 },
  );
});
