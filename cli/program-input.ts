import { schemaFromIntrospection } from '../generator/schema/from-introspection.js';
import type { ManualPage } from '../generator/schema/manual/page.js';
import { memoryHost } from '../generator/syntax/host.js';
import type { QmpClient } from '../runtime/qmp/client.js';
import type { QmpGreeting } from '../runtime/qmp/greeting.js';
import { commandLineIn } from './command-line-in.js';
import { findConfig } from './config.js';
import { alreadyRunning, execProgram, programIn } from './exec-program.js';
import type { Host } from './host.js';
import type { Input } from './input.js';
import { manualPageFor } from './manual-page.js';
import { connectTo, introspectionOf, versionOf } from './program-client.js';

/** What the schema's one module is called. */
const moduleFile = 'qmp.json';

/**
 * The schema of a program that runs, or is started to be asked, made of what it says of itself and of its manual page. The text of the
 * schema names the version and not the address: the same program gives the same code wherever it runs.
 */
export async function inputFrom(address: string, host: Host): Promise<Input> {
  const found = await findConfig(host);
  const text = await programSchema(address, host);
  return {
    schema: moduleFile,
    files: memoryHost({ [moduleFile]: text }),
    // A configuration that names a schema is about that one.
    ...(found && found.config.schema === undefined ? { config: found.config, configFile: found.file } : { config: {} }),
  };
}

/** The schema of a program as text. `from` is its address, or `exec:` and its command line. */
export async function programSchema(from: string, host: Host): Promise<string> {
  const commandLine = commandLineIn(from);
  const asked = commandLine === undefined ? alreadyRunning(connectTo(from)) : execProgram(commandLine, host);
  const { client, close } = await asked;
  try {
    const page = commandLine === undefined ? undefined : await pageFor(commandLine, client, host);
    const infos = await introspectionOf(client);
    return schemaFromIntrospection(infos, versionOf(client), page);
  } finally {
    await close();
  }
}

/** The manual page of a program that was started, unless it describes another release. */
async function pageFor(commandLine: string, client: QmpClient, host: Host): Promise<ManualPage | undefined> {
  const page = await manualPageFor(programIn(commandLine), host);
  if (!page) return undefined;
  const { major, minor }: Partial<QmpGreeting['version']['qemu']> = client.greeting.version?.qemu ?? {};
  if (page.version === '' || page.version.startsWith(`${major}.${minor}.`)) return page;
  host.stderr.write(`note: the manual page is that of QEMU ${page.version}, and so is left alone\n`);
  return undefined;
}
