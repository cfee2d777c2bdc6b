/**
 * How fast generated visitors decode, beside ajv and zod with schemas equivalent to the QAPI schema, and beside the `JSON.parse`
 * that comes before. Everything is measured in the same process, in turns, so that the ratios hold on a busy machine, too.
 */
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { visitBlockdevOptions, visitBlockInfo, visitImageInfo } from '../generated/block-core/visitors.js';
import { loadSchema } from '../generator/index.js';
import { decode, type Visit } from '../runtime/index.js';
import { jsonSchemaOf, typeNamed } from './json-schema.js';
import { blockdevOptions, imageInfo, queryBlock } from './visit-values.js';
import { zodSchemaOf } from './zod-schema.js';

/** The targets: at least as fast as ajv, and at most so much on top of `JSON.parse`. */
const TARGET_OF_AJV = 1;
const TARGET_ON_PARSE = 0.15;

/** So often the contestants take turns, and so long each of them runs in a turn. */
const TURNS = 100;
const TURN_MS = 4;
/** Every run reads another copy of the value, of so many. */
const COPIES = 64;

const { schema } = await loadSchema(join(import.meta.dirname, '../qapi/qapi-schema.json'));
if (!schema) throw new Error('the schema is not valid');

const visitBlockInfos: Visit<unknown> = (visitor, value, name) => visitor.list(value, name, visitBlockInfo);
const cases: { name: string; type: string; list?: boolean; visit: Visit<unknown>; value: unknown }[] = [
  { name: 'ImageInfo', type: 'ImageInfo', visit: visitImageInfo, value: imageInfo },
  { name: 'query-block', type: 'BlockInfo', list: true, visit: visitBlockInfos, value: queryBlock },
  { name: 'BlockdevOptions', type: 'BlockdevOptions', visit: visitBlockdevOptions, value: blockdevOptions },
];

const ajv = new Ajv({ discriminator: true });
const contests = cases.map(({ name, type: typeName, list, visit, value }) => {
  const type = typeNamed(schema, typeName);
  const single = jsonSchemaOf(type);
  const { definitions, ...items } = single;
  const byAjv = ajv.compile(list ? { type: 'array', items, definitions } : single);
  const zod = list ? zodSchemaOf(type).array() : zodSchemaOf(type);
  const text = JSON.stringify(value);
  if (!byAjv(value)) throw new Error(`ajv does not accept ${name}: ${ajv.errorsText(byAjv.errors)}`);
  zod.parse(value);
  decode(visit, structuredClone(value));

  const copies = Array.from({ length: COPIES }, () => JSON.parse(text) as unknown);
  let next = 0;
  const copy = (): unknown => copies[next++ % COPIES];
  return {
    name,
    bytes: text.length,
    run: {
      parse: () => JSON.parse(text),
      parseAndDecode: () => decode(visit, JSON.parse(text)),
      decode: () => decode(visit, copy()),
      ajv: () => byAjv(copy()),
      zod: () => zod.parse(copy()),
    },
  };
});

type Contestant = keyof (typeof contests)[number]['run'];

/** The least time per run, in microseconds: what is left when nothing else disturbs. */
function measure(): Record<Contestant, number>[] {
  const never = Number.POSITIVE_INFINITY;
  const best = contests.map(() => ({ parse: never, parseAndDecode: never, decode: never, ajv: never, zod: never }));
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [index, { run }] of contests.entries()) {
      const times = best[index] as Record<Contestant, number>;
      for (const contestant of Object.keys(run) as Contestant[]) {
        times[contestant] = Math.min(times[contestant], timeOf(run[contestant]));
      }
    }
  }
  return best;
}

function timeOf(run: () => unknown): number {
  const start = performance.now();
  let runs = 0;
  let now = start;
  while (now - start < TURN_MS) {
    for (let i = 0; i < 20; i++) run();
    runs += 20;
    now = performance.now();
  }
  return ((now - start) * 1000) / runs;
}

const results = measure();
const rows = results.map((times, index) => {
  const { name, bytes } = contests[index] as (typeof contests)[number];
  return {
    value: name,
    bytes,
    'decode MB/s': Math.round(bytes / times.decode),
    '× ajv': ratio(times.ajv / times.decode),
    '× zod': ratio(times.zod / times.decode),
    '× JSON.parse': ratio(times.parse / times.decode),
    'on top of JSON.parse': `${((times.parseAndDecode / times.parse - 1) * 100).toFixed(1)} %`,
  };
});
console.log('Throughput of decode (check and type a parsed value), and its ratio to that of others:\n');
console.table(Object.fromEntries(rows.map(({ value, ...figures }) => [value, figures])));

const slowest = Math.min(...results.map((times) => times.ajv / times.decode));
const dearest = Math.max(...results.map((times) => times.parseAndDecode / times.parse - 1));
console.log(
  `least ratio to ajv ${ratio(slowest)} (target ${TARGET_OF_AJV}); most on top of JSON.parse ` +
    `${(dearest * 100).toFixed(1)} % (target ${TARGET_ON_PARSE * 100} %)`,
);

function ratio(value: number): number {
  return Number(value.toPrecision(3));
}
