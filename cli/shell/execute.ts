import type { JsonValue } from '../../runtime/json/value.js';
import type { QmpClient } from '../../runtime/qmp/client.js';
import { QmpError } from '../../runtime/qmp/error.js';
import { QmpConnectionError } from '../../runtime/qmp/failure.js';
import { OptionError } from '../../runtime/visit/option-error.js';
import type { Knowledge } from './knowledge.js';
import { visible } from './pretty.js';
import { readRequest } from './request.js';

/** What became of a line: the value that the command returned, or what went wrong. */
export type Outcome =
  | { readonly ok: true; readonly value: JsonValue }
  | { readonly ok: false; readonly problem: string };

/** Executes a line. */
export async function execute(line: string, client: QmpClient, knowledge: Knowledge): Promise<Outcome> {
  try {
    const { command, arguments: args, oob } = await readRequest(line, knowledge);
    if (oob && !client.oob) return { ok: false, problem: 'the program does not offer out-of-band execution' };
    return { ok: true, value: await client.executeUnknown(command, args, { oob }) };
  } catch (error) {
    if (error instanceof QmpError) return { ok: false, problem: visible(`${error.class}: ${error.message}`) };
    if (error instanceof OptionError || error instanceof QmpConnectionError) {
      return { ok: false, problem: visible(error.message) };
    }
    throw error;
  }
}
