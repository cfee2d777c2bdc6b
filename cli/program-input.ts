import { schemaFromIntrospection } from '../generator/schema/from-introspection.js';
import { memoryHost } from '../generator/syntax/host.js';
import { findConfig } from './config.js';
import type { Host } from './host.js';
import type { Input } from './input.js';
import { connectTo, introspectionOf, versionOf } from './program-client.js';

/** What the schema's one module is called. */
const moduleFile = 'qmp.json';

/**
 * The schema of a running program, made of what it says of itself. The text of the schema names the version and not the address:
 * the same program gives the same code wherever it runs.
 */
export async function inputFrom(address: string, host: Host): Promise<Input> {
  const found = await findConfig(host);
  const text = await schemaOf(address);
  return {
    schema: moduleFile,
    files: memoryHost({ [moduleFile]: text }),
    // A configuration that names a schema is about that one.
    ...(found && found.config.schema === undefined ? { config: found.config, configFile: found.file } : { config: {} }),
  };
}

async function schemaOf(address: string): Promise<string> {
  const client = await connectTo(address);
  try {
    return schemaFromIntrospection(await introspectionOf(client), versionOf(client));
  } finally {
    await client.close();
  }
}
