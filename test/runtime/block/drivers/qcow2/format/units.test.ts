import { expect, expectTypeOf, it } from 'vitest';
import {
  clusterOf,
  further,
  type GuestOffset,
  guestOffset,
  type HostCluster,
  type HostOffset,
  hostCluster,
  hostOffset,
  startOf,
} from '../../../../../../runtime/block/drivers/qcow2/format/units.js';
import { runAt } from '../../../../../../runtime/block/drivers/qcow2/map/translate.js';
import { freeClusters } from '../../../../../../runtime/block/drivers/qcow2/space/free.js';
import { refcountOf } from '../../../../../../runtime/block/drivers/qcow2/space/refcounts.js';
import { roundUp } from '../../../../../../runtime/block/limits.js';

it('the units of places are numbers, none of which stands for another', () => {
  expectTypeOf<GuestOffset>().toExtend<number>();
  expectTypeOf<number>().not.toExtend<GuestOffset>();
  expectTypeOf<GuestOffset>().not.toExtend<HostOffset>();
  expectTypeOf<HostOffset>().not.toExtend<GuestOffset>();
  expectTypeOf<HostOffset>().not.toExtend<HostCluster>();
  expectTypeOf<HostCluster>().not.toExtend<HostOffset>();
});

it('a place that was computed has a unit only when the code says so', () => {
  expectTypeOf(roundUp(guestOffset(1), 512)).toEqualTypeOf<number>();
  expectTypeOf(further(hostOffset(1), 2)).toEqualTypeOf<HostOffset>();
  expectTypeOf(further(hostCluster(1), 2)).toEqualTypeOf<HostCluster>();
});

it('what maps the disk takes guest offsets, and what counts clusters takes places in the file', () => {
  expectTypeOf(runAt).parameter(2).toEqualTypeOf<GuestOffset>();
  expectTypeOf<ReturnType<typeof runAt>['host']>().toEqualTypeOf<HostOffset>();
  expectTypeOf(freeClusters).parameter(1).toEqualTypeOf<HostOffset>();
  expectTypeOf(refcountOf).parameter(1).toEqualTypeOf<HostCluster>();
});

it('a byte of the file is in a cluster that begins at or before it', () => {
  expect(clusterOf(hostOffset(0x2_ffff), 0x1_0000)).toBe(2);
  expect(startOf(hostCluster(2), 0x1_0000)).toBe(0x2_0000);
  expect(further(guestOffset(7), -7)).toBe(0);
});
