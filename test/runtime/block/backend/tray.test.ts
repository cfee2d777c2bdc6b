import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backend } from '../../../../runtime/block/backend/backend.js';
import { VirtualDevice } from '../../../../runtime/block/backend/virtual-device.js';
import { RecordingHost } from './recording-host.js';

function withDevice(device: VirtualDevice | undefined) {
  const host = new RecordingHost();
  const backend = new Backend('d0', host);
  backend.device = device;
  return { host, backend };
}

describe('a tray', () => {
  it('emits an event when the tray has moved, and only then', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean()), (moves) => {
        const { host, backend } = withDevice(new VirtualDevice({ kind: 'cdrom', id: 'cd' }));
        const changes: boolean[] = [];
        let open = false;
        for (const load of moves) {
          backend.changeMedium(load);
          if (open === load) changes.push(!load);
          open = !load;
          expect(backend.trayOpen).toBe(open);
        }
        expect(host.sent).toEqual(
          changes.map((moved) => ({
            name: 'DEVICE_TRAY_MOVED',
            data: { device: 'd0', id: 'cd', 'tray-open': moved },
          })),
        );
      }),
    );
  });

  it('a floppy or a disk has no tray: media come and go without', () => {
    for (const kind of ['floppy', 'disk'] as const) {
      const loads: boolean[] = [];
      const device = new VirtualDevice({ kind, id: 'x', onMediumChange: (loaded) => loads.push(loaded) });
      const { host, backend } = withDevice(device);
      backend.changeMedium(false);
      backend.changeMedium(true);
      expect(loads).toEqual([false, true]);
      expect(backend.trayOpen).toBeUndefined();
      expect(backend.removable).toBe(kind === 'floppy');
      expect(host.sent).toEqual([]);
    }
  });

  it('a backend without a device has no tray, and its medium can be exchanged', () => {
    const { host, backend } = withDevice(undefined);
    backend.changeMedium(false);
    expect(backend).toMatchObject({ trayOpen: undefined, removable: true });
    expect(host.sent).toEqual([]);
  });
});

describe('a locked medium', () => {
  it('asks the guest for a locked medium, and takes it by force only', () => {
    const asked: boolean[] = [];
    const device = new VirtualDevice({
      kind: 'cdrom',
      id: 'cd',
      locked: true,
      onEjectRequest: (force) => asked.push(force),
    });
    device.requestEject(false);
    expect(device.locked).toBe(true);
    device.requestEject(true);
    expect(device.locked).toBe(false);
    expect(asked).toEqual([false, true]);
  });
});
