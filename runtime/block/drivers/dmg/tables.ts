import type { Child } from '../../driver.js';
import { viewOf } from '../shared/big-endian.js';
import { type Fork, type Trailer, wrong } from './trailer.js';

/** Bytes of a property list or a resource fork: more than any image has. */
const longestFork = 16 * 1024 * 1024;
const tableMagic = 0x6d69_7368;

/** The tables of chunks ("mish") of an image, as bytes. */
export async function readTables(file: Child, { resources, list }: Trailer): Promise<Uint8Array[]> {
  if (resources.length > 0) return fromResources(await readFork(file, resources));
  if (list.length > 0) return fromList(await readFork(file, list));
  throw wrong('it has neither a property list nor a resource fork');
}

async function readFork(file: Child, { offset, length }: Fork): Promise<Buffer> {
  if (length > longestFork) throw wrong(`a property list or resource fork of ${length} bytes is too long`);
  const bytes = Buffer.alloc(length);
  await file.read(offset, bytes);
  return bytes;
}

/** Resources lie one behind the other, each after its length. */
function fromResources(fork: Buffer): Uint8Array[] {
  if (fork.length < 16) throw wrong('its resource fork is too short');
  const start = fork.readUInt32BE(0);
  const end = start + fork.readUInt32BE(8);
  if (end > fork.length || end === start) throw wrong('its resource fork is damaged');
  const tables: Uint8Array[] = [];
  for (let at = start; at + 4 <= end; ) {
    const length = fork.readUInt32BE(at);
    if (length > end - at - 4) throw wrong('its resource fork is damaged');
    tables.push(fork.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return tables.filter(isTable);
}

/** Which key they are under does not matter: tables have a mark of their own. */
function fromList(list: Buffer): Uint8Array[] {
  const text = list.toString('latin1');
  const tables: Uint8Array[] = [];
  for (let at = text.indexOf('<data>'); at >= 0; at = text.indexOf('<data>', at)) {
    const end = text.indexOf('</data>', at);
    if (end < 0) throw wrong('its property list ends early');
    tables.push(Buffer.from(text.slice(at + '<data>'.length, end), 'base64'));
    at = end;
  }
  return tables.filter(isTable);
}

function isTable(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && viewOf(bytes).getUint32(0) === tableMagic;
}
