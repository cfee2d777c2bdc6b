import type { JsonValue } from '../../runtime/json/value.js';
import type { QmpClient } from '../../runtime/qmp/client.js';
import { QmpError } from '../../runtime/qmp/error.js';
import { QmpConnectionError } from '../../runtime/qmp/failure.js';
import { hmp } from '../../runtime/qmp/hmp.js';
import { OptionError } from '../../runtime/visit/option-error.js';
import type { Knowledge } from './knowledge.js';
import { nearName } from './near-name.js';
import { visible } from './pretty.js';
import type { Request } from './request.js';

/** What became of a line: a value that a command returned, text to print as it is, what went wrong, or nothing to speak of. */
export type Outcome =
  | { readonly kind: 'value'; readonly value: JsonValue }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'problem'; readonly problem: string }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'exit' };

export const nothing: Outcome = { kind: 'nothing' };

/** Words of the shell itself. */
export const shellWords = ['help', 'exit', 'follow', 'transaction('] as const;

/** Executes a command. */
export async function execute(request: Request, client: QmpClient, knowledge: Knowledge): Promise<Outcome> {
  const { command, arguments: args, oob } = request;
  if (oob && !client.oob) return problem('the program does not offer out-of-band execution');
  return outcomeOf(async () => {
    try {
      return { kind: 'value', value: await client.executeUnknown(command, args, { oob }) };
    } catch (error) {
      const near = isUnknown(error) ? nearName(command, [...knowledge.commands, ...shellWords]) : undefined;
      if (near === undefined) throw error;
      return problem(`${describe(error as Error)}; did you mean '${near}'?`);
    }
  });
}

/** Executes a line of the monitor for people. */
export async function executeHmp(line: string, client: QmpClient, cpu: number | undefined): Promise<Outcome> {
  return outcomeOf(async () => {
    try {
      const text = await hmp(client, line, cpu === undefined ? {} : { cpu });
      return { kind: 'text', text: text === '' || text.endsWith('\n') ? text : `${text}\n` };
    } catch (error) {
      if (!isUnknown(error)) throw error;
      return problem('the program has no monitor for people (HMP)');
    }
  });
}

/** What became of something that may fail in the ways that a person at a prompt has to know of. */
export async function outcomeOf(work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof QmpError || error instanceof OptionError || error instanceof QmpConnectionError) {
      return problem(describe(error));
    }
    throw error;
  }
}

/** Something that went wrong. */
export const problem = (text: string): Outcome => ({ kind: 'problem', problem: visible(text) });

const describe = (error: Error): string =>
  error instanceof QmpError ? `${error.class}: ${error.message}` : error.message;

const isUnknown = (error: unknown): boolean => error instanceof QmpError && error.class === 'CommandNotFound';
