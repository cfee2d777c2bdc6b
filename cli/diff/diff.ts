import { InvalidArgumentError, Option } from 'commander';
import type { Change, Role } from '../../generator/compare/change.js';
import { compareSchemas } from '../../generator/compare/compare.js';
import { type EarlierRelease, withDeprecationSince } from '../../generator/compare/deprecation.js';
import { githubChange } from '../../generator/compare/report/github.js';
import { type ChangeJson, changeAsJson } from '../../generator/compare/report/json.js';
import { markdownChanges } from '../../generator/compare/report/markdown.js';
import { prettyChanges } from '../../generator/compare/report/pretty.js';
import { countsByKind } from '../../generator/compare/report/words.js';
import type { Selection } from '../../generator/schema/select.js';
import type { Host } from '../host.js';
import { choiceOption, complaintAbout, dialectNamed, dialectOption, tableOption } from '../options.js';
import { coloursFor } from '../report.js';
import { exitCodes, type Subcommand } from '../subcommand.js';
import { UserError } from '../user-error.js';
import { type IgnoreRule, readIgnoreFile, ruleFor } from './ignore.js';
import { readSide, type Side, type SideOptions } from './sides.js';

const formats = ['pretty', 'json', 'github', 'markdown'] as const;
const failures = ['sender', 'receiver', 'source', 'server', 'any'] as const;

type Failure = Role | 'any';

interface DiffOptions {
  readonly format: (typeof formats)[number];
  readonly failOn?: readonly Failure[];
  readonly ignore?: string;
  readonly history?: readonly string[];
  readonly stable?: boolean;
  readonly source?: boolean;
  readonly documentation?: boolean;
  readonly all?: boolean;
  readonly dialect?: string;
  readonly define?: Readonly<Record<string, boolean>>;
  readonly onlyDefined?: boolean;
}

/** What `--format json` prints. */
interface DiffJson {
  old: string;
  new: string;
  /** What both sides hold: everything, or what some configuration has. */
  conditions: string;
  counts: readonly { kind: string; roles: string; count: number }[];
  changes: ChangeJson[];
}

/** A change, and the rule by which it counts for nothing. */
interface Judged {
  readonly change: Change;
  readonly rule?: IgnoreRule | undefined;
}

/** What is printed. */
interface Report {
  readonly old: Side;
  readonly new: Side;
  readonly conditions: string;
  readonly judged: readonly Judged[];
  readonly all: boolean;
}

/** `qapi-ts diff`. */
export const diff: Subcommand = {
  declare(command) {
    command
      .description(
        'Says what changes from one schema to another for clients that send, clients that receive, and servers.\n' +
          'Either side is a schema, a file with introspection data, or the socket of a running program.',
      )
      .argument('<old>', 'what clients were written for')
      .argument('<new>', 'what the server follows')
      .addOption(choiceOption('--format <format>', 'how to report', formats).default('pretty'))
      .addOption(failOnOption())
      .option('--ignore <file>', 'leave out the changes that a file lists, each with a reason')
      .addOption(historyOption())
      .option('--stable', 'leave out the changes of what is unstable')
      .option('--source', 'also compare the names of types, which generated code declares, as --fail-on source does')
      .option('--documentation', 'also name the definitions whose documentation says something else')
      .option('--all', 'for people: list what breaks no client, too')
      .addOption(dialectOption())
      .addOption(tableOption('define') as Option)
      .addOption(tableOption('onlyDefined') as Option)
      .addHelpText('after', examples);
  },
  async run(command, host) {
    const options = command.opts<DiffOptions>();
    const [oldName = '', newName = ''] = command.args;
    const rules = options.ignore === undefined ? [] : readIgnoreFile(options.ignore, host);
    const selection = selectionOf(options);
    const read = { dialect: dialectNamed(options.dialect), selection };
    const old = await readSide(oldName, read, host);
    const now = await readSide(newName, read, host);
    if (!old || !now) return exitCodes.problems;
    const { documentation = false, stable = false } = options;
    const introspection = old.introspection || now.introspection;
    const source = comparesSource(options, introspection);
    const found = compareSchemas(old.schema, now.schema, { introspection, source, documentation });
    const history = await readHistory(options.history ?? [], read, host);
    if (!history) return exitCodes.problems;
    const announced = history.length > 0 ? withDeprecationSince(found, history, old) : found;
    const changes = stable ? announced.filter(({ unstable = false }) => !unstable) : announced;
    const judged = changes.map((change) => ({ change, rule: ruleFor(change, rules) }));
    warnOfUnused(rules, judged, host);
    const conditions = selection ? 'as given' : 'all true';
    print[options.format]({ old, new: now, conditions, judged, all: options.all ?? false }, host);
    return judged.some(({ change, rule }) => !rule && fails(change, options.failOn ?? []))
      ? exitCodes.problems
      : exitCodes.ok;
  },
};

const examples = `
Exits with 1 when a side cannot be read, or when a change breaks what --fail-on names.

Examples:
  $ qapi-ts diff qemu-9.0/qapi/qapi-schema.json qemu-10.1/qapi/qapi-schema.json
  $ qapi-ts diff schema.json /run/qmp.sock --fail-on sender,receiver
  $ qapi-ts diff old.json new.json --format markdown > CHANGES.md
  $ qapi-ts diff old.json new.json --format json | jq '.changes[] | select(.severity == "breaks")'`;

function failOnOption(): Option {
  return new Option('--fail-on <roles>', 'exit with 1 when a change breaks one of these')
    .choices(failures)
    .argParser((text: string, before: Failure[] | undefined) => {
      const roles = text.split(',').map((part) => part.trim());
      for (const role of roles) {
        const complaint = complaintAbout(role, failures);
        if (complaint !== undefined) throw new InvalidArgumentError(complaint);
      }
      return [...(before ?? []), ...(roles as Failure[])];
    });
}

function historyOption(): Option {
  const text = 'a release before <old>, to say since when what is gone was deprecated; oldest first, once for each';
  return new Option('--history <name=schema>', text).argParser((value: string, before: string[] | undefined) => {
    if (!/^[^=]+=./.test(value)) throw new InvalidArgumentError('write NAME=SCHEMA');
    return [...(before ?? []), value];
  });
}

/** The releases of a history; undefined when one has errors, which have been printed. */
async function readHistory(
  named: readonly string[],
  options: SideOptions,
  host: Host,
): Promise<EarlierRelease[] | undefined> {
  const history: EarlierRelease[] = [];
  for (const entry of named) {
    const [, name = '', place = ''] = /^([^=]+)=(.*)$/s.exec(entry) ?? [];
    const side = await readSide(place, options, host);
    if (!side) return undefined;
    history.push({ name, schema: side.schema });
  }
  return history;
}

function selectionOf({ define = {}, onlyDefined = false }: DiffOptions): Selection | undefined {
  const defines = new Map(Object.entries(define));
  return defines.size > 0 || onlyDefined ? { defines, onlyDefined } : undefined;
}

/**
 * Whether the names of types are compared: where they are to break the comparison, too.
 *
 * @throws UserError where that is asked for and a side has no names
 */
function comparesSource({ source = false, failOn = [] }: DiffOptions, introspection: boolean): boolean {
  const isAsked = source || failOn.includes('source');
  if (isAsked && introspection) {
    const hint = 'name two schemas to compare the source that is generated from them';
    throw new UserError('introspection data does not have the names of types', { hint });
  }
  return isAsked || (failOn.includes('any') && !introspection);
}

function fails({ breaks }: Change, failOn: readonly Failure[]): boolean {
  return failOn.some((role) => (role === 'any' ? breaks.length > 0 : breaks.includes(role)));
}

/** A rule that fits nothing is mostly one that was written for another pair of schemas. */
function warnOfUnused(rules: readonly IgnoreRule[], judged: readonly Judged[], { stderr }: Host): void {
  const used = new Set(judged.map(({ rule }) => rule));
  for (const rule of rules) {
    if (used.has(rule)) continue;
    const { reason, ...fits } = rule;
    stderr.write(`note: no change fits the rule ${JSON.stringify(fits)} (${reason})\n`);
  }
}

const print: Readonly<Record<DiffOptions['format'], (report: Report, host: Host) => void>> = {
  pretty({ judged, all, ...report }, { stdout, env }) {
    stdout.write(`${titleOf(report)}\n`);
    stdout.write(prettyChanges(counting(judged), all, coloursFor(stdout, env)));
    const ignored = judged.filter(({ rule }) => rule).length;
    if (ignored > 0) stdout.write(`\n${ignored} ignored\n`);
  },
  json({ old, new: now, conditions, judged }, { stdout }) {
    const json: DiffJson = {
      old: old.name,
      new: now.name,
      conditions,
      counts: countsByKind(counting(judged)),
      changes: judged.map(({ change, rule }) => changeAsJson(change, rule?.reason)),
    };
    stdout.write(`${JSON.stringify(json, undefined, 2)}\n`);
  },
  github({ new: now, judged }, { stdout }) {
    for (const change of counting(judged)) {
      if (change.severity !== 'compatible') stdout.write(`${githubChange(change, now.name)}\n`);
    }
  },
  markdown({ old, new: now, conditions, judged }, { stdout }) {
    stdout.write(markdownChanges(counting(judged), titleOf({ old, new: now, conditions })));
  },
};

function titleOf({ old, new: now, conditions }: Pick<Report, 'old' | 'new' | 'conditions'>): string {
  return `From ${old.name} to ${now.name}, conditions ${conditions}`;
}

function counting(judged: readonly Judged[]): Change[] {
  return judged.filter(({ rule }) => !rule).map(({ change }) => change);
}
