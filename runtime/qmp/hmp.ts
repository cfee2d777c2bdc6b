import type { JsonObject } from '../json/value.js';
import type { QmpClient } from './client.js';
import type { WaitOptions } from './deadline.js';
import type { Having, QmpSchema } from './schema.js';

/** How a line of the monitor for people is executed. */
export interface HmpOptions extends WaitOptions {
  /** The CPU that commands such as `info registers` are about. Default: the first. */
  readonly cpu?: number;
}

/**
 * Executes a line of HMP, the monitor for people, and returns its text with line feeds between lines. HMP has no errors: what went
 * wrong stands in the text, and differs from release to release. Where QMP has a command, that is the better one.
 *
 * @example
 * console.log(await hmp(client, 'info qtree'));
 */
export async function hmp<S extends QmpSchema>(
  client: QmpClient<S> & Having<S, 'human-monitor-command'>,
  line: string,
  { cpu, ...options }: HmpOptions = {},
): Promise<string> {
  const args: JsonObject = { 'command-line': line, ...(cpu !== undefined && { 'cpu-index': cpu }) };
  const text = await (client as unknown as QmpClient).executeUnknown('human-monitor-command', args, options);
  return String(text).replaceAll('\r\n', '\n');
}
