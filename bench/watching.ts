/**
 * Generates a schema, and again after a change to each of its modules in turn, as `--watch` does; prints the processor time of each
 * change in milliseconds, by the path of the module.
 */
import { setFlagsFromString } from 'node:v8';
import { incrementalGenerator } from '../generator/emit/generate.js';
import { incrementalWriter } from '../generator/emit/output/write.js';
import { incrementalLoader } from '../generator/schema/load.js';
import { nodeHost } from '../generator/syntax/host.js';

// As the command line does.
setFlagsFromString('--interrupt-budget=2000000');

const [schemaPath, output] = process.argv.slice(2) as [string, string];
const changes = new Map<string, string>();
const host = {
  resolve: nodeHost.resolve,
  async read(path: string) {
    const change = changes.get(nodeHost.resolve(path));
    const before = await nodeHost.read(path);
    return change === undefined ? before : Buffer.concat([before, Buffer.from(change)]);
  },
};
const generateAgain = incrementalGenerator();
const loadAgain = incrementalLoader();
const writeAgain = incrementalWriter();

async function once(): Promise<readonly string[]> {
  const { schema, files } = await loadAgain(schemaPath, { host, advice: false });
  if (!schema) throw new Error('the schema is not valid');
  writeAgain(output, generateAgain(schema));
  return files;
}

const times: Record<string, number> = {};
for (const [index, module] of (await once()).entries()) {
  changes.set(nodeHost.resolve(module), `\n{ 'struct': 'BenchChange${index}', 'data': { 'a': 'int' } }\n`);
  const before = process.cpuUsage();
  await once();
  const { user, system } = process.cpuUsage(before);
  times[module] = (user + system) / 1000;
}
console.log(JSON.stringify(times));
