/** Reads, checks and generates a schema once; prints the processor time of both in milliseconds, and the peak memory in bytes. */
import { generate } from '../generator/emit/generate.js';
import { loadSchema } from '../generator/schema/load.js';

const elapsed = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
};

const start = process.cpuUsage();
const { schema, diagnostics } = await loadSchema(process.argv[2] as string, { advice: false });
const load = elapsed(start);
if (!schema) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
const middle = process.cpuUsage();
generate(schema);
console.log(JSON.stringify([load, elapsed(middle), process.resourceUsage().maxRSS * 1024]));
