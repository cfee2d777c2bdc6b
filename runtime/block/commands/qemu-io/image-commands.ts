import { BlkdebugEvent } from '../../../../generated/index.js';
import { BlockError } from '../../error.js';
import { belowFilters, chainStatus } from '../../io/status.js';
import { bytesOf } from './arguments.js';
import type { IoCommand } from './command.js';
import { breakpointsOf, type IoDisk } from './disk.js';
import { bytesText } from './print.js';

const none = { options: '', least: 0, most: 0 };
const tagged = { options: '', least: 1, most: 1 };

/** Commands about the image as a whole, and about requests that are held up on the way to it. */
export const imageCommands: readonly IoCommand[] = [
  {
    ...none,
    name: 'length',
    usage: 'length',
    help: 'shows the length of the disk',
    run: ({ backend }) => [bytesText(backend.length)],
  },
  {
    ...none,
    name: 'truncate',
    least: 1,
    most: 1,
    writes: true,
    usage: 'truncate off',
    help: 'changes the length of the disk',
    async run({ node }, { words: [size = ''] }) {
      await node.requests.truncate(bytesOf(size));
      return [];
    },
  },
  {
    ...none,
    name: 'map',
    usage: 'map',
    help: 'shows what of the disk the image has itself',
    run: map,
  },
  {
    ...none,
    name: 'alloc',
    least: 1,
    most: 2,
    usage: 'alloc offset [count]',
    help: 'shows how much of a stretch the image has itself',
    run: allocated,
  },
  {
    ...tagged,
    name: 'break',
    least: 2,
    most: 2,
    usage: 'break event tag',
    help: 'holds up the next request that announces an event, under a tag',
    run({ node }, { words: [event = '', tag = ''] }) {
      const known = BlkdebugEvent.find((each) => each === event);
      if (known === undefined) throw new BlockError('Could not set a breakpoint: No such file or directory');
      breakpointsOf(node, 'set a breakpoint').add(known, tag);
      return [];
    },
  },
  {
    ...tagged,
    name: 'remove_break',
    usage: 'remove_break tag',
    help: 'removes breakpoints, and lets go what they hold up',
    run({ node }, { words: [tag = ''] }) {
      if (breakpointsOf(node, 'remove a breakpoint').remove(tag)) return [];
      throw new BlockError(`Could not remove breakpoint ${tag}: No such file or directory`);
    },
  },
  {
    ...tagged,
    name: 'resume',
    usage: 'resume tag',
    help: 'lets a request go that is held up',
    run({ node }, { words: [tag = ''] }) {
      if (breakpointsOf(node, 'resume a request').resume(tag)) return [];
      throw new BlockError('Could not resume request: No such file or directory');
    },
  },
  {
    ...tagged,
    name: 'wait_break',
    usage: 'wait_break tag',
    help: 'waits until a request is held up',
    async run({ node }, { words: [tag = ''] }) {
      await breakpointsOf(node, 'wait for a breakpoint').held(tag);
      return [];
    },
  },
  {
    ...tagged,
    name: 'sleep',
    usage: 'sleep milliseconds',
    help: 'waits',
    async run(_, { words: [time = ''] }) {
      const milliseconds = Number(time);
      if (!(milliseconds >= 0)) throw new BlockError(`${time} is no number of milliseconds`);
      await new Promise((resolve) => setTimeout(resolve, Math.min(milliseconds, 2 ** 31 - 1)));
      return [];
    },
  },
];

async function map({ backend, node }: IoDisk): Promise<string[]> {
  const { root } = backend;
  const lines: string[] = [];
  if (root === undefined) throw new BlockError('No medium found', { code: 'ENOMEDIUM' });
  for (let offset = 0; offset < node.length; ) {
    const { length, allocated: has } = await stretch(backend, offset, node.length - offset);
    const hexadecimal = (bytes: number): string => `0x${bytes.toString(16)}`;
    const state = has ? '    allocated' : 'not allocated';
    lines.push(
      `${bytesText(length)} (${hexadecimal(length)}) bytes ${state} at offset ${bytesText(offset)} (${hexadecimal(offset)})`,
    );
    offset += length;
  }
  return lines;
}

/** The stretch from an offset on that the uppermost image has as a whole, or has nothing of. */
async function stretch({ root }: IoDisk['backend'], offset: number, most: number) {
  let length = 0;
  let allocated: boolean | undefined;
  while (root !== undefined && length < most) {
    const { status } = await chainStatus(root, offset + length, most - length, belowFilters(root).node.backing?.node);
    if (allocated !== undefined && status.allocated !== allocated) break;
    allocated = status.allocated;
    length += status.length;
  }
  return { length, allocated: allocated ?? false };
}

async function allocated(
  { backend }: IoDisk,
  { words: [place = '', size = '512'] }: { words: readonly string[] },
): Promise<string[]> {
  const offset = bytesOf(place);
  const wanted = bytesOf(size);
  const end = Math.min(offset + wanted, backend.length);
  let has = 0;
  for (let position = offset; position < end; ) {
    const piece = await stretch(backend, position, end - position);
    if (piece.allocated) has += piece.length;
    position += piece.length;
  }
  return [`${has}/${wanted} bytes allocated at offset ${bytesText(offset)}`];
}
