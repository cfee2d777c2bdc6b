/** A schema before and after, and programs of users, with the places marked that the change touches. */

export const oldSchema = `
{ 'pragma': { 'doc-required': false } }
{ 'enum': 'Mode', 'data': [ 'fast', 'safe', 'x-odd' ] }
{ 'enum': 'Health', 'data': [ 'good', 'bad' ] }
{ 'enum': 'Driver', 'data': [ 'file', 'nbd', 'vxhs' ] }
{ 'struct': 'Limits', 'data': { 'rate': 'int', '*burst': 'int' } }
{ 'struct': 'Disk', 'data': { 'name': 'str', 'serial': 'str', '*mode': 'Mode', 'health': 'Health', 'limits': 'Limits' } }
{ 'struct': 'FileOptions', 'data': { 'filename': 'str' } }
{ 'struct': 'NbdOptions', 'data': { 'host': 'str' } }
{ 'struct': 'VxhsOptions', 'data': { 'vdisk': 'str' } }
{ 'union': 'Options', 'base': { 'driver': 'Driver', '*label': 'str' }, 'discriminator': 'driver',
  'data': { 'file': 'FileOptions', 'nbd': 'NbdOptions', 'vxhs': 'VxhsOptions' } }
##
# @disk-add:
#
# @name: its name
#
# @mode: how (default: safe)
#
# @x_speed: how fast
##
{ 'command': 'disk-add', 'data': { 'name': 'str', '*mode': 'Mode', '*x_speed': 'int', '*old-thing': 'str' } }
{ 'command': 'open', 'data': 'Options' }
{ 'command': 'query-disks', 'returns': [ 'Disk' ] }
{ 'command': 'query-mood', 'returns': 'Mood' }
{ 'struct': 'Mood', 'data': { 'health': 'Health' } }
{ 'command': 'halt' }
##
# @disk_remove:
#
# @name: its name
#
# Features:
#
# @deprecated: Use @disk-remove instead.
##
{ 'command': 'disk_remove', 'data': { 'name': 'str' }, 'features': [ 'deprecated' ] }
{ 'command': 'disk-remove', 'data': { 'name': 'str' } }
{ 'command': 'steady', 'data': { '*count': 'int' } }
{ 'event': 'DISK_ADDED', 'data': { 'name': 'str', 'serial': 'str' } }
{ 'event': 'DISK_GONE', 'data': { 'name': 'str' } }
{ 'event': 'TICK' }
`;

export const newSchema = `
{ 'pragma': { 'doc-required': false } }
{ 'enum': 'Mode', 'data': [ 'fast', 'safe', 'odd' ] }
{ 'enum': 'Health', 'data': [ 'good', 'bad', 'worse' ] }
{ 'enum': 'Driver', 'data': [ 'file', 'nbd' ] }
{ 'struct': 'Limits', 'data': { 'rate': 'int', '*burst': 'int' } }
{ 'struct': 'Disk', 'data': { 'name': 'str', '*mode': 'Mode', 'health': 'Health', '*limits': 'Limits' } }
{ 'struct': 'FileOptions', 'data': { 'filename': 'str', '*label': 'str' } }
{ 'struct': 'NbdOptions', 'data': { 'host': 'str', 'port': 'str' } }
{ 'union': 'Options', 'base': { 'driver': 'Driver' }, 'discriminator': 'driver',
  'data': { 'file': 'FileOptions', 'nbd': 'NbdOptions' } }
##
# @disk-add:
#
# @name: its name
#
# @mode: how (default: safe)
#
# @speed: how fast
##
{ 'command': 'disk-add', 'data': { 'name': 'str', 'mode': 'Mode', '*speed': 'int' } }
{ 'command': 'open', 'data': 'Options' }
{ 'command': 'query-disks', 'returns': [ 'Disk' ] }
{ 'command': 'query-mood', 'returns': 'Mood' }
{ 'struct': 'Mood', 'data': { 'health': 'Health' } }
{ 'command': 'disk-remove', 'data': { 'name': 'str' } }
{ 'command': 'steady', 'data': { '*count': 'int' } }
{ 'command': 'levitate' }
{ 'event': 'DISK_ADDED', 'data': { '*name': 'str', 'serial': 'str' } }
{ 'event': 'DISK_MOVED', 'data': { 'name': 'str' } }
{ 'event': 'TICK' }
`;

const client = `import { connect } from 'qapi-ts/runtime';
import type { Commands, Events, Health, VxhsOptions } from './generated/client.js'; // affected: type-name-removed
interface Schema { commands: Commands; events: Events }
const client = await connect<Schema>('/run/qmp.sock');
`;

/** Files by name; a comment \`affected\` names the kinds of change that touch its line. */
export const files: Readonly<Record<string, string>> = {
  'calls.ts': `${client}
await client.execute('halt'); // affected: command-removed
await client.commands.halt(); // affected: command-removed
await client.commands['halt'](undefined, { timeout: 5 }); // affected: command-removed
await client.execute('disk_remove', { name: 'a' }); // affected: command-removed
await client.executeUnknown('halt'); // affected: command-removed
const disk_remove = 'disk_remove' as const;
await client.execute(disk_remove, { name: 'a' }); // affected: command-removed
const which = Math.random() > 0.5 ? 'halt' as const : 'query-disks' as const;
await client.execute(which); // affected: command-removed
await client.execute('query-disks');
await client.execute('steady', { count: 1 });
await client.commands['disk-remove']({ name: 'halt' });
const anything = await connect('/run/qmp.sock');
await anything.execute('halt'); // affected: command-removed
await anything.execute('open', { driver: 'nbd', host: 'h' }); // affected: mandatory-member-added
await anything.execute('open', { driver: 'vxhs', vdisk: 'v' }); // affected: branch-removed
await anything.execute('unheard-of');
function quick<N extends keyof Commands & string>(name: N): void { console.log(name); }
quick('halt'); // affected: command-removed
quick('steady');
type Nothing = Commands['halt']['returns']; // affected: command-removed
type Two = Pick<Commands, 'halt' | 'steady'>; // affected: command-removed
export type { Nothing, Two, VxhsOptions, Health };
const other = { execute: (name: string) => name };
other.execute('halt');
`,
  'events.ts': `${client}
client.on('DISK_GONE', ({ data }) => console.log(data.name)); // affected: event-removed
client.on.DISK_GONE(({ data }) => console.log(data.name)); // affected: event-removed
await client.waitFor('DISK_GONE'); // affected: event-removed
await client.waitFor.TICK();
for await (const event of client.events(['TICK', 'DISK_GONE'])) console.log(event.date); // affected: event-removed
for await (const { event } of client.events('DISK_*')) {
  switch (event) { // affected: event-added
    case 'DISK_ADDED': break;
    case 'DISK_GONE': break; // affected: event-removed
  }
}
for await (const { event } of client.events('*')) {
  if (event === 'DISK_GONE') break; // affected: event-removed
  switch (event) {
    case 'TICK': break;
    default: console.log(event);
  }
}
client.on('DISK_ADDED', ({ data }) => console.log(data.name.length, data.serial)); // affected: member-made-optional
client.on('TICK', ({ date }) => console.log(date));
console.log('DISK_GONE');
`,
  'writes.ts': `${client}
import type { DiskAddArguments, Options, Mode } from './generated/index.js';
await client.execute('disk-add', { name: 'a' }); // affected: member-made-mandatory
await client.execute('disk-add', { name: 'a', mode: 'fast' });
await client.execute('disk-add', { name: 'a', mode: 'x-odd' }); // affected: enum-value-removed
const typed: DiskAddArguments = { // affected: member-made-mandatory
  name: 'a',
  x_speed: 5, // affected: member-removed
};
const x_speed = 7;
await client.execute('disk-add', { name: 'a', mode: 'fast', x_speed }); // affected: member-removed
await client.execute('disk-add', { name: 'a', mode: 'safe', 'old-thing': 'x' }); // affected: member-removed
typed.x_speed = 6; // affected: member-removed
await client.execute('disk-add', typed);
const loose = { name: 'a' }; // affected: member-made-mandatory
await client.execute('disk-add', loose);
const fixed = { name: 'a', mode: 'fast', x_speed: 1 } as const; // affected: member-removed
await client.commands['disk-add'](fixed);
const whole = { ...typed, mode: 'fast' as const } satisfies DiskAddArguments;
await client.execute('disk-add', whole);
const file: Options = { driver: 'file', filename: 'f', label: 'l' };
const nbd: Options = { driver: 'nbd', host: 'h' }; // affected: mandatory-member-added
const labelled: Options = { driver: 'nbd', host: 'h', label: 'l' }; // affected: mandatory-member-added, member-made-conditional
const vxhs: Options = { driver: 'vxhs', vdisk: 'd' }; // affected: branch-removed
console.log(file, nbd, labelled, vxhs);
const mode: Mode = 'x-odd'; // affected: enum-value-removed
const modes: Mode[] = ['fast', 'x-odd']; // affected: enum-value-removed
if (typed.mode === 'x-odd') console.log(mode, modes); // affected: enum-value-removed
const mine = { mode: 'x-odd', x_speed: 1, 'old-thing': '' };
console.log(mine.x_speed, 'x-odd');
`,
  'reads.ts': `${client}
const [disk] = await client.execute('query-disks');
if (!disk) throw new Error('there is none');
console.log(disk.serial); // affected: member-removed
console.log(disk['serial']); // affected: member-removed
console.log(disk?.serial?.length); // affected: member-removed
console.log(disk.limits.rate); // affected: member-made-optional
console.log(disk['limits']['rate']); // affected: member-made-optional
console.log(disk.limits?.rate, disk.limits ?? 'none');
if (disk.limits) console.log(disk.limits.rate);
if (disk.limits !== undefined && disk.limits.rate > 1) console.log('limited');
const { name, serial, limits } = disk; // affected: member-removed, member-made-optional
const { limits: { rate } } = disk; // affected: member-made-optional
const { serial: number = 'none' } = disk; // affected: member-removed
const { limits: bounds = undefined } = disk;
console.log('serial' in disk); // affected: member-removed
console.log(name, serial, limits, rate, number, bounds, disk.name, disk.health);
const disks = await client.commands['query-disks']();
console.log(disks.map((one) => one.serial)); // affected: member-removed
console.log(disks.map(({ serial }) => serial)); // affected: member-removed
const mine = { serial: 1, limits: { rate: 1 } };
console.log(mine.serial, mine.limits.rate);
function take(part: Pick<Commands['query-disks']['returns'][number], 'name' | 'serial'>): string { // affected: member-removed
  return part.serial; // affected: member-removed
}
take(disk);
`,
  'switches.ts': `${client}
const { health: mood } = await client.execute('query-mood');
switch (mood) { // affected: enum-value-added
  case 'good': break;
  case 'bad': break;
}
switch (mood) {
  case 'good': break;
  default: console.log('so so');
}
switch (mood) {
  case 'good': break;
}
switch (mood) { // affected: enum-value-added
  case 'good': break;
  case 'bad': break;
  default: {
    const never: never = mood;
    throw new Error(never);
  }
}
const texts: Record<Health, string> = { good: 'yes', bad: 'no' }; // affected: enum-value-added
const some: Partial<Record<Health, string>> = { good: 'yes' };
console.log(texts[mood], some[mood]);
type Own = 'good' | 'fine';
const own = 'good' as Own;
switch (own) {
  case 'good': break;
  case 'fine': break;
}
`,
  'mechanical.ts': `${client.replace(', Health, VxhsOptions }', ' }').replace(/ \/\/ affected.*/, '')}
import type { DiskAddArguments, Mode } from './generated/index.js';
await client.execute('disk_remove', { name: 'a' }); // affected: command-removed
await client.execute("disk_remove", { name: 'a' }); // affected: command-removed
await client.commands.disk_remove({ name: 'a' }); // affected: command-removed
await client.commands['disk_remove']({ name: 'a' }); // affected: command-removed
const slow: DiskAddArguments = { name: 'é', x_speed: 1, mode: 'x-odd' }; // affected: member-removed, enum-value-removed
const x_speed = 5;
const args: DiskAddArguments = { // affected: member-made-mandatory
  name: 'a', x_speed, // affected: member-removed
};
slow.x_speed = 6; // affected: member-removed
const { x_speed: speed = 1, mode } = slow; // affected: member-removed
console.log(args.x_speed, args?.x_speed, slow['x_speed'], speed, mode); // affected: member-removed, member-removed, member-removed
await client.execute('disk-add', { name: 'b' }); // affected: member-made-mandatory
const all: Mode[] = ["x-odd", 'fast']; // affected: enum-value-removed
switch (all[0]) {
  case 'x-odd': console.log(x_speed); // affected: enum-value-removed
}
`,
  'handlers.ts': `import type { ServerHandlers } from 'qapi-ts/runtime';
import type { CommandHandlers } from './generated/index.js';
export const handlers: Partial<CommandHandlers> = {
  halt: () => {}, // affected: command-removed
  'query-disks': () => [{ name: 'a', serial: 's', health: 'good', limits: { rate: 1 } }], // affected: member-removed
  async 'disk-add'({ name, mode = 'fast', x_speed }) { // affected: member-removed
    console.log(name, mode, x_speed);
  },
  steady: () => {},
};
declare const rest: Omit<CommandHandlers, 'steady'>;
export const whole: ServerHandlers<CommandHandlers> = { ...rest, steady: () => {} }; // affected: command-added
`,
};
