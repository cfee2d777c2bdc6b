import type { Variant } from './interop-images.js';

const text = `# Interoperability

<!-- Written by \`QAPI_INTEROP_WRITE=1 npx vitest run test/system/interop-matrix.test.ts\`. -->

Which images have been tried, made by whom and filled by whom, before and after NBD clients used them through this server.
\`test/system/interop-matrix.test.ts\` does it again, and fails if this table is not what it does. For each row:

1. The image is made by \`createImage\` or by \`qemu-img create\`, its backing files likewise (the lowest is raw, and they may be
   longer or shorter than what is above), and something is put into them by the program named.
2. This server opens it, with small or usual caches, with \`discard=unmap\` or without, with \`detect-zeroes\` or without. All of
   it is read over NBD and compared with what was put in.
3. Two NBD clients send up to 12 requests at once, at random: reads, writes, zeroes (which may or must not unmap, which may have
   to be fast), trims, block status, flushes, FUA; at all alignments, also overlapping. All that is read is judged by a model in
   memory. Now and then the image is closed and opened again.
4. The image is closed. \`qemu-img check\` finds no error and no leak, \`qemu-img compare\` finds what the model holds, and the
   backing files are what they were.

Any two values of different columns come together in some row. \`QAPI_INTEROP_RUNS=20\` does everything 20 times; a failure
prints its seed, and \`QAPI_INTEROP_SEED\` repeats one: give it the seed that was printed, less the number of the row.

`;

/** The page of the documentation that lists the images that are tried out. */
export function interopPage(variants: readonly Variant[]): string {
  const rows = variants.map((variant, index) => {
    const { format, size, options, maker, filler, backing } = variant;
    const list = Object.entries(options).map(
      ([name, value]) => `\`${name}=${typeof value === 'boolean' ? onOff(value) : value}\``,
    );
    return [index, format, size, list.join(' '), backing, maker, filler].join(' | ');
  });
  const head = ['Row', 'Format', 'Bytes', 'Create options', 'Backing files', 'Made by', 'Filled by'];
  return `${text}| ${head.join(' | ')} |\n|${head.map(() => ' --- |').join('')}\n${rows.map((row) => `| ${row} |\n`).join('')}`;
}

function onOff(value: boolean): string {
  return value ? 'on' : 'off';
}
