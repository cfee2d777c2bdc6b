import type { Command } from '../../generator/schema/model.js';
import type { JsonObject } from '../../runtime/json/value.js';
import { nothing } from '../samples.js';
import { type Check, type Subject, sharedCommands } from './check.js';
import type { Answer } from './exchange.js';
import { type Probe, probesOf } from './probes.js';

/** Checks what holds for requests in general. */
export async function* checkProtocol({ exchange, kind, listed, described }: Subject): AsyncIterable<Check> {
  const check = (name: string, request: string, answer: Answer, expected: string): Check => ({
    group: 'protocol',
    name,
    requests: 1,
    problems: refusalProblems(request, answer, expected),
  });
  yield check('unknown command', nothing, await exchange.ask(nothing), 'CommandNotFound');
  const notAnObject = await exchange.ask(kind.harmless, [] as unknown as JsonObject);
  yield check('arguments that are no object', `${kind.harmless} with []`, notAnObject, 'GenericError');
  if (!listed) return;
  const unknown = [...listed].filter((name) => !described.has(name));
  const problems = unknown.map((name) => `${name}: ${kind.list} lists it, query-qmp-schema does not describe it`);
  yield { group: 'protocol', name: kind.list, problems };
}

/**
 * Sends every command wrong arguments, each with one fault, and checks that they are refused and how. What a server would carry
 * out that merely overlooks the fault is only sent when it has refused the like of a query.
 */
export async function* checkRefusals(subject: Subject): AsyncIterable<Check> {
  const { exchange, kind, isPresent, listed } = subject;
  const overlooks = (await exchange.ask(kind.harmless, { [nothing]: 1 })).errorClass === undefined;
  for (const command of sharedCommands(subject)) {
    const { name } = command;
    const check = { group: 'refusals', name } as const;
    if (!command.gen) {
      yield { ...check, problems: [], skipped: 'the schema leaves the check of its arguments to the program' };
    } else if (listed && !listed.has(name)) {
      const answer = await exchange.ask(name, { [nothing]: 1 });
      yield answer.errorClass === 'CommandNotFound'
        ? { ...check, problems: [], requests: 1, skipped: `${kind.unlisted}: it is disabled` }
        : { ...check, problems: [`${name}: it is there, but ${kind.unlisted}`], requests: 1 };
    } else {
      const all = probesOf(command, isPresent);
      const probes = overlooks && !kind.isQuery(name) ? all.filter(({ overlookable }) => !overlookable) : all;
      const problems: string[] = [];
      for (const probe of probes) problems.push(...(await refuse(subject, command, probe)));
      if (mustStayInBand(subject, command)) {
        const answer = await exchange.ask(name, undefined, true);
        problems.push(...refusalProblems(`${name}: out-of-band execution`, answer, 'GenericError'));
      }
      yield { ...check, problems, requests: probes.length };
    }
  }
}

async function refuse({ exchange }: Subject, { name }: Command, probe: Probe): Promise<string[]> {
  const answer = await exchange.ask(name, probe.arguments);
  return refusalProblems(`${probe.path}: ${probe.fault}`, answer, 'GenericError');
}

/** Whether the command must be refused out of band, and may safely be asked to. */
function mustStayInBand({ exchange, kind }: Subject, command: Command): boolean {
  return exchange.client.oob && !command.allowOob && kind.isQuery(command.name);
}

function refusalProblems(what: string, { value, errorClass, problems }: Answer, expected: string): string[] {
  const found = problems.map((problem) => `${what}: ${problem}`);
  if (value !== undefined) found.push(`${what}: accepted`);
  else if (errorClass !== undefined && errorClass !== expected && problems.length === 0) {
    found.push(`${what}: refused with ${errorClass}, not ${expected}`);
  }
  return found;
}
