import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseJson } from '../../runtime/json/parse.js';
import { isJsonObject, type JsonValue } from '../../runtime/json/value.js';
import type { MockAgent } from '../../testkit/mock/agent.js';
import { checkPlan } from '../../testkit/mock/jobs/plan.js';
import type { MockQmp } from '../../testkit/mock/mock.js';
import type { Host } from '../host.js';
import { UserError } from '../user-error.js';

/** What a file says of commands: by name, a result, an error, or how the job goes that it starts. */
export type Replies = { readonly [command: string]: JsonValue };

/** @throws UserError when there is no such file, or it is none of replies */
export async function readReplies(file: string, host: Host): Promise<Replies> {
  let replies: JsonValue;
  try {
    replies = parseJson(await readFile(resolve(host.cwd, file), 'utf8'));
  } catch (error) {
    throw new UserError(`${file}: ${(error as Error).message}`, { cause: error });
  }
  if (!isJsonObject(replies)) throw new UserError(`${file}: expected an object, with a member for each command`);
  return replies;
}

/**
 * Has commands answered as a file says.
 *
 * @throws UserError that names the command whose answer the schema does not allow
 */
export function setReplies(server: MockQmp | MockAgent, replies: Replies, file: string): void {
  for (const [command, answer] of Object.entries(replies)) {
    try {
      setReply(server, command, answer);
    } catch (problem) {
      throw new UserError(`${file}: ${command}: ${(problem as Error).message}`, { cause: problem });
    }
  }
}

function setReply(server: MockQmp | MockAgent, command: string, answer: JsonValue): void {
  const { return: value, error, job }: Partial<Record<string, JsonValue>> = isJsonObject(answer) ? answer : {};
  const rule = server.when(command);
  if (isJsonObject(error) && typeof error.class === 'string') {
    rule.replyError(error.class, typeof error.desc === 'string' ? error.desc : undefined);
  } else if (isJsonObject(job)) {
    rule.job(checkPlan(job));
  } else if (value !== undefined) {
    // A command that returns nothing returns an empty object.
    const isEmpty = isJsonObject(value) && Object.keys(value).length === 0;
    if (isEmpty && !server.returns(command)) rule.reply();
    else rule.reply(value);
  } else {
    throw new TypeError('expected {"return": …}, {"error": {"class": …, "desc": …}} or {"job": {"fails": …}}');
  }
}
