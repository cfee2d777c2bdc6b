import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadSchema } from '../../../generator/schema/load.js';
import type { Schema } from '../../../generator/schema/model.js';
import { memoryHost } from '../../../generator/syntax/host.js';
import { createQmpServer, type QmpServerOptions } from '../../../runtime/qmp/server/server.js';

/** A schema that is a text. */
export async function schemaOf(text: string): Promise<Schema> {
  const { schema, diagnostics } = await loadSchema('schema.json', { host: memoryHost({ 'schema.json': text }) });
  if (!schema) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return schema;
}

/** Starts a server for the time of a test; returns the path of its socket. */
export async function serve<Handlers extends object>(options: QmpServerOptions<Handlers>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-server-'));
  const path = join(folder, 'qmp.sock');
  const server = await createQmpServer({ ...options, listen: { path } });
  onTestFinished(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return path;
}
