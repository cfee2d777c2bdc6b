import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createImage } from '../../runtime/block/graph/create.js';
import { BlockOptions, type OptionValue } from '../../runtime/block/options.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { pattern } from './judged-disk.js';

export const run = promisify(execFile);

const passphrase = 'correct horse';
/** What qemu-img and qemu-io need to open luks volumes. */
export const secret = ['--object', `secret,id=key,data=${passphrase}`];

/** An image of the interoperability matrix. */
export interface Variant {
  readonly format: 'qcow2' | 'raw' | 'luks' | 'parallels' | 'qcow' | 'qed' | 'vdi' | 'vhdx' | 'vmdk' | 'vpc';
  /** Bytes. */
  readonly size: number;
  /** Create options. */
  readonly options: { readonly [name: string]: OptionValue };
  /** Bytes that are allocated at once, and compressed at once. */
  readonly unit: number;
  readonly maker: 'qapi-ts' | 'qemu-img';
  /** The program that has put something into it before we serve it. */
  readonly filler: 'none' | 'qemu-io' | 'qemu-img convert' | 'qemu-img convert -c';
  /** How many backing files are below. */
  readonly backing: number;
  /** The image has a luks volume inside; those below do not. Default: `false`. */
  readonly encrypted?: boolean;
}

/** An image as programs are given it. */
interface Image {
  readonly path: string;
  readonly format: string;
  readonly encrypted?: boolean | undefined;
}

/** An image file, and what is to be read from it. */
export interface MadeImage {
  readonly path: string;
  readonly contents: Buffer;
  /** What its backing file shows. */
  readonly behind: Buffer;
  /** Its backing files, from the top. */
  readonly below: readonly string[];
}

interface Layer extends Image {
  readonly contents: Buffer;
}

/**
 * Makes an image with all that is below it.
 *
 * @param random whole numbers from 0 to below `limit`
 */
export async function makeImage(
  folder: string,
  variant: Variant,
  random: (limit: number) => number,
): Promise<MadeImage> {
  let lower: Layer | undefined;
  const below: string[] = [];
  for (let level = variant.backing; level > 0; level--) {
    // The lowest is raw, and one may be shorter or longer than what is above.
    const lowest = lower === undefined ? 'raw' : 'qcow2';
    // Images of VMware have no others below.
    const format = variant.format === 'vmdk' ? 'vmdk' : lowest;
    const size = Math.ceil((variant.size * (6 + random(7))) / 10 / 512) * 512;
    const path = join(folder, `below${level}.${format}`);
    const options = format === variant.format ? variant.options : {};
    await create({ path, format }, size, options, variant.maker, lower);
    const behind = resized(lower?.contents, size);
    lower = { path, format, contents: await fillByIo({ path, format }, behind, 0, random) };
    below.unshift(path);
  }
  const { format, size, options, filler, maker, unit, encrypted } = variant;
  // Clusters that have a place cannot be written compressed.
  const fixed = options.preallocation !== undefined || options.data_file !== undefined || encrypted;
  const compressible = format === 'qcow2' && !fixed ? unit : 0;
  const path = join(folder, `top.${format}`);
  const image = { path, format, encrypted };
  await create(image, size, options, maker, lower);
  const behind = resized(lower?.contents, size);
  const contents = await fill(image, { filler, unit, compressible }, behind, random);
  return { path, contents, behind: lower?.contents ?? Buffer.alloc(0), below };
}

async function create(
  { path, format, encrypted }: Image,
  size: number,
  options: Variant['options'],
  maker: Variant['maker'],
  backing: Layer | undefined,
): Promise<void> {
  const all = {
    ...(format === 'luks' && { 'key-secret': 'key', 'iter-time': 10 }),
    ...(encrypted && { 'encrypt.format': 'luks', 'encrypt.key-secret': 'key', 'encrypt.iter-time': 10 }),
    ...options,
    // Each image has one of its own.
    ...(options.data_file !== undefined && { data_file: `${path}.${options.data_file}` }),
  };
  if (maker === 'qemu-img') {
    const list = Object.entries(all).map(([name, value]) => `${name}=${toText(value)}`);
    const args = ['create', '-q', ...secret, '-f', format];
    if (list.length > 0) args.push('-o', list.join(','));
    if (backing) args.push('-b', backing.path, '-F', backing.format);
    await retried(() => run('qemu-img', [...args, path, String(size)]));
    return;
  }
  const client = new LayerClient();
  try {
    await addSecret(client);
    await createImage(client.layer.graph, {
      format,
      filename: path,
      size,
      options: new BlockOptions(Object.entries(all)),
      ...(backing ? { backing: { name: backing.path, format: backing.format } } : {}),
    });
  } finally {
    await client.layer.close();
  }
}

/** The object that luks volumes take their key from. */
export async function addSecret(client: LayerClient): Promise<void> {
  await client.execute('object-add', { 'qom-type': 'secret', id: 'key', data: passphrase });
}

/** How qemu-img and qemu-io open an image. */
export function imageOptions({ format, path, encrypted }: Image): string {
  const key = format === 'luks' ? ',key-secret=key' : encrypted ? ',encrypt.key-secret=key' : '';
  return `driver=${format}${key},file.driver=file,file.filename=${path}`;
}

async function fill(
  image: Image,
  { filler, unit, compressible }: Pick<Variant, 'filler' | 'unit'> & { readonly compressible: number },
  behind: Buffer,
  random: (limit: number) => number,
): Promise<Buffer> {
  // The contents of a new luks volume are undefined.
  const before = image.format === 'luks' ? await readByDd(image) : behind;
  if (filler === 'none') return Buffer.from(before);
  if (filler === 'qemu-io') return fillByIo(image, before, compressible, random);
  const contents = Buffer.alloc(behind.length);
  for (let at = 0; at < contents.length; ) {
    const length = Math.min(contents.length - at, 1 + random(3 * Math.max(unit, 65_536)));
    if (random(3) > 0) pattern(random(1000), at, length, random(2) === 0).copy(contents, at);
    at += length;
  }
  const source = `${image.path}.source`;
  await writeFile(source, contents);
  const compressed = filler.endsWith('-c') ? ['-c'] : [];
  const target = imageOptions(image);
  await run('qemu-img', [
    'convert',
    ...secret,
    '-n',
    ...compressed,
    '-f',
    'raw',
    '--target-image-opts',
    source,
    target,
  ]);
  return contents;
}

async function readByDd(image: Image): Promise<Buffer> {
  const copy = `${image.path}.copy`;
  const args = ['-O', 'raw', 'bs=64k', `if=${imageOptions(image)}`, `of=${copy}`];
  await run('qemu-img', ['dd', ...secret, '--image-opts', ...args]);
  return readFile(copy);
}

/**
 * Lets qemu-io do something at random.
 *
 * @param compressible bytes that can be written compressed; 0: none can
 */
async function fillByIo(
  image: Image,
  behind: Buffer,
  compressible: number,
  random: (limit: number) => number,
): Promise<Buffer> {
  const contents = Buffer.from(behind);
  const { length: size } = contents;
  const commands: string[] = [];
  // Clusters that are not new cannot be written compressed there.
  if (compressible > 0) {
    for (const cluster of new Set([0, 1, 2].map(() => random(Math.ceil(size / compressible))))) {
      const from = cluster * compressible;
      const length = Math.min(compressible, size - from);
      const byte = 1 + random(255);
      commands.push(`write -c -P ${byte} ${from} ${length}`);
      contents.fill(byte, from, from + length);
    }
  }
  for (let count = 10; count > 0; count--) {
    const unit = random(3) === 0 ? 1 : 512;
    const from = Math.floor(random(size) / unit) * unit;
    const length = Math.min(size - from, unit * (1 + random(1 + Math.floor(100_000 / unit))));
    const byte = random(5) === 0 ? 0 : 1 + random(255);
    commands.push(
      byte === 0 ? `write -z ${random(2) === 0 ? '-u ' : ''}${from} ${length}` : `write -P ${byte} ${from} ${length}`,
    );
    contents.fill(byte, from, from + length);
  }
  const args = commands.flatMap((command) => ['-c', command]);
  const { stdout } = await run('qemu-io', [...secret, '--image-opts', ...args, imageOptions(image)]);
  if (/failed|error/i.test(stdout)) throw new Error(stdout);
  return contents;
}

function resized(contents: Buffer | undefined, size: number): Buffer {
  const result = Buffer.alloc(size);
  contents?.copy(result);
  return result;
}

function toText(value: OptionValue): string {
  return typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);
}

/** Again where the kernel has not reported to qemu-img how much time it took: it then cannot tell how many iterations to do. */
async function retried<T>(action: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      if (attempt === 20 || !String(error).includes('CPU usage')) throw error;
    }
  }
}
