import type { Variant } from './interop-images.js';

const origin = '<!-- Written by `QAPI_INTEROP_WRITE=1 npx vitest run test/system/interop-matrix.test.ts`. -->';

const text = `# Interoperability

${origin}

Images of our own and of QEMU's programs are used by NBD clients through this server, and then checked by QEMU's programs.
[The appendix](interoperability-images.md) lists each image; the table below counts them. \`test/system/interop-matrix.test.ts\`
tries them all, and fails if one of the two pages is stale. For each image:

1. The image is made by \`createImage\` or by \`qemu-img create\`, its backing files likewise (the lowest is raw, and they may be
   longer or shorter than what is above), and something is put into them by the program named.
2. This server opens it, with small or usual caches, with \`discard=unmap\` or without, with \`detect-zeroes\` or without. All of
   it is read over NBD and compared with what was put in.
3. Two NBD clients send up to 12 requests at once, at random: reads, writes, zeroes (which may or must not unmap, which may have
   to be fast), trims, block status, flushes, FUA; at all alignments, also overlapping. All that is read is judged by a model in
   memory. Now and then the image is closed and opened again, or made longer or shorter (not luks, where what a longer one has at
   its end is undefined).
4. The image is closed. \`qemu-img check\` finds no error and no leak, \`qemu-img compare\` finds what the model holds, and the
   backing files are what they were.

Any two values of different properties come together in some image, where they can. \`QAPI_INTEROP_RUNS=20\` does everything 20
times, with the same random numbers each time; \`QAPI_SEED=5\` takes others.
The model itself is tried out on disks that make mistakes, and on \`qemu-nbd\`, which makes none.

`;

const more = `
## Holes

\`test/system/nbd-model-holes.test.ts\`: what \`qemu-img map\` says of an image is what it and \`nbdinfo --map\` say of that image's
export. Data and nothing, zero clusters with places and without, compressed, preallocated and small clusters, version 2, backing
files. \`nbdcopy\` and \`qemu-img convert\` read exports and fill them, \`qemu-img compare\` finds them equal.

## Guests

\`test/system/guest-nbd.test.ts\`: a guest in \`qemu-system-x86_64\` boots from a qcow2 image over a backing file, served over NBD,
as an IDE and as a virtio disk. It reads data by the BIOS, reports their sum, and writes a sector, which is found in the image.

## Power cuts

\`test/system/power-cut.test.ts\`: \`qapi-ts serve\` is killed (SIGKILL) at random while a client writes, zeroes, trims and flushes,
with up to 12 requests in flight, again and again on the same image. Each time \`qemu-img check\` finds at most leaks (with lazy
refcounts: after a repair, by \`qemu-img\` or by the next server), each sector holds what it held at the last flush or a later
write to it, and the next server goes on. \`QAPI_POWER_CUT_KILLS\` says how often. Among the images are such with extended L2
entries, a persistent bitmap, a data file (raw or not), and a luks volume inside.

\`test/runtime/block/power-cut.test.ts\`: a disk that keeps, loses, reorders and tears what was written since its last flush, under
the whole block layer. Writes, FUA, zeroes, discards, compressed writes, resizing; all cluster sizes up to 64 KiB, all refcount
widths, lazy refcounts (which are repaired first, and cut off while they are), backing files, tables that grow. Of each load, several moments are looked at:
no error, all that was flushed, and every other sector old or new as a whole; then work goes on with what was left.
\`QAPI_POWER_CUT_RUNS\` says how many loads.
`;

/** What is counted of the images: the name of a property, and its value in an image, if it has one. */
const properties: readonly (readonly [string, (variant: Variant) => unknown])[] = [
  ['Format', ({ format }) => format],
  ['Made by', ({ maker }) => maker],
  ['Filled by', ({ filler }) => filler],
  ['Backing files', ({ backing }) => backing],
  ['Encrypted', ({ encrypted }) => encrypted],
  ...[
    'cluster_size',
    'refcount_bits',
    'compat',
    'lazy_refcounts',
    'preallocation',
    'extended_l2',
    'compression_type',
    'data_file_raw',
    'cipher-alg',
    'static',
    'subformat',
    'zeroed_grain',
    'table_size',
    'block_size',
    'block_state_zero',
    'log_size',
    'force_size',
  ].map((name) => [`\`${name}\``, ({ options }: Variant) => options[name]] as const),
];

/** The page of the documentation that says how images are tried out, and how many of which kind. */
export function interopPage(variants: readonly Variant[]): string {
  const rows = properties.map(([name, read]) => {
    const counts = new Map<string, number>();
    for (const variant of variants) {
      const value = read(variant);
      if (value !== undefined) counts.set(shown(value), (counts.get(shown(value)) ?? 0) + 1);
    }
    const list = [...counts].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
    return [name, list.map(([value, count]) => `${value}: ${count}`).join(', ')];
  });
  return `${text}${table([`Of ${variants.length} images`, 'How many have which value'], rows)}${more}`;
}

/** The appendix that lists the images. */
export function imagesPage(variants: readonly Variant[]): string {
  const rows = variants.map((variant, index) => {
    const { format, size, options, maker, filler, backing, encrypted } = variant;
    const list = Object.entries(options).map(([name, value]) => `\`${name}=${shown(value)}\``);
    if (encrypted) list.push('encrypted');
    return [index, format, size, list.join(' '), backing, maker, filler];
  });
  const head = ['Image', 'Format', 'Bytes', 'Create options', 'Backing files', 'Made by', 'Filled by'];
  return `# Images of the interoperability tests\n\n${origin}\n\nThe appendix of [Interoperability](interoperability.md).\n\n${table(head, rows)}`;
}

function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

function shown(value: unknown): string {
  return typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);
}
