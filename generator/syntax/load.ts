import { type Diagnostic, diagnostic, type RelatedPlace } from '../text/diagnostic.js';
import type { SourceFile } from '../text/source-file.js';
import { Dialect } from './dialect.js';
import { DocumentationKeeper } from './doc/keeper.js';
import type { DocBlock } from './doc-block.js';
import { type FileHost, nodeHost } from './host.js';
import type { KnownFiles } from './known-files.js';
import type { ParsedFile } from './parsed-file.js';
import type { ParsedFiles } from './parsed-files.js';
import { besides, relativeTo } from './path.js';
import { applyPragma, noPragmas } from './pragmas.js';
import { compareMoments, type Moment, Problems, phase } from './problem.js';
import type { Reading } from './reading.js';
import { reasonOf } from './regular-file.js';
import { readAgain, readSoundFile } from './sound-file.js';
import { decodeSource } from './source.js';
import {
  describeValue,
  Expression,
  type Pragmas,
  type SyntaxModule,
  type SyntaxObject,
  type SyntaxTree,
} from './tree.js';

/** How to read a schema. */
export interface SyntaxOptions {
  /** Where the files come from. Default: the file system. */
  readonly host?: FileHost;
  /** Default: the dialect that reads the schemas of all releases. */
  readonly dialect?: Dialect;
  /** What `auto` has read of the same files: it adds to this, and other dialects take from it. */
  readonly known?: KnownFiles | undefined;
  /** What was read of the schema the last time, for callers that read it again. */
  readonly kept?: ParsedFiles | undefined;
}

/** A schema as read, and what is wrong with its text. */
export interface LoadedSyntax {
  readonly tree: SyntaxTree;
  /** In the order in which the reference would meet them: it would report the first one and stop. */
  readonly diagnostics: Diagnostic[];
}

/**
 * Reads a schema: its root file and, where they are named, the files that it includes. Pragmas are applied, documentation
 * blocks attached to what they describe.
 */
export async function loadSyntax(rootPath: string, options: SyntaxOptions = {}): Promise<LoadedSyntax> {
  const loader = new Loader(rootPath, options);
  options.kept?.begin();
  await loader.loadRoot();
  return loader.result();
}

type ModuleInTheMaking = SyntaxModule & {
  readonly includes: string[];
  readonly expressions: Expression[];
  readonly docs: DocBlock[];
};

/** A file on the way from the root to the one that is being read. */
interface Including {
  /** The absolute path, normalised. */
  readonly path: string;
  readonly module: ModuleInTheMaking;
  /** From the root, the includes that led here. */
  readonly chain: readonly RelatedPlace[];
  readonly parent: Including | undefined;
}

class Loader {
  readonly #rootPath: string;
  readonly #root: string;
  readonly #host: FileHost;
  readonly #dialect: Dialect;
  readonly #known: KnownFiles | undefined;
  readonly #kept: ParsedFiles | undefined;
  readonly #documentation: DocumentationKeeper;
  readonly #modules: ModuleInTheMaking[] = [];
  readonly #expressions: Expression[] = [];
  readonly #diagnostics: Diagnostic[] = [];
  /** How often each file has been read. */
  readonly #timesRead = new Map<string, number>();
  #pragmas: Pragmas = noPragmas;

  constructor(rootPath: string, { host = nodeHost, dialect = Dialect.auto, known, kept }: SyntaxOptions) {
    this.#rootPath = rootPath;
    this.#root = host.resolve(rootPath);
    this.#host = host;
    this.#dialect = dialect;
    this.#known = known;
    this.#kept = kept;
    this.#documentation = new DocumentationKeeper(dialect);
    if (dialect.newer !== undefined) {
      const parameters = { release: dialect.newer, newest: dialect.name };
      this.#diagnostics.push(diagnostic('newer-release', parameters, undefined));
    }
  }

  async loadRoot(): Promise<void> {
    const read = await this.#read(this.#rootPath);
    if (typeof read === 'string') {
      this.#diagnostics.push(diagnostic('unreadable-schema', { path: this.#rootPath, reason: read }, undefined));
      return;
    }
    await this.#file(this.#rootPath, this.#root, read, [], undefined);
  }

  result(): LoadedSyntax {
    return {
      tree: {
        modules: this.#modules,
        expressions: this.#expressions,
        pragmas: this.#pragmas,
        documentationChecked: this.#documentation.checked,
      },
      diagnostics: this.#documentation.judge(this.#diagnostics),
    };
  }

  /** The contents of a file, or the reason why there are none. */
  async #read(path: string): Promise<Uint8Array | string> {
    try {
      return await this.#host.read(path);
    } catch (error) {
      return reasonOf(error);
    }
  }

  async #file(
    name: string,
    path: string,
    bytes: Uint8Array,
    chain: readonly RelatedPlace[],
    parent: Including | undefined,
  ): Promise<void> {
    this.#timesRead.set(path, (this.#timesRead.get(path) ?? 0) + 1);
    const { file: source, problem } = decodeSource(name, bytes, this.#dialect);
    const before = this.#kept?.get(path, source, this.#dialect);
    const { file, parsed } = before ?? { file: source, parsed: await this.#parsed(path, source) };
    this.#kept?.add(path, { file, parsed, dialect: this.#dialect.name });
    const moduleName = relativeTo(this.#root, path);
    const module: ModuleInTheMaking = { name: moduleName, file, includes: [], expressions: [], docs: [] };
    this.#modules.push(module);
    const including: Including = { path, module, chain, parent };
    if (problem) this.#report(problem, including);
    this.#documentation.enter(file);
    await this.#walk(parsed, including);
  }

  async #parsed(path: string, file: SourceFile): Promise<ParsedFile> {
    const dialect = this.#dialect;
    const reading = (): Reading => ({ file, dialect, problems: new Problems(file) });
    const expressions = this.#known?.get(path, file, dialect);
    const again = expressions && readAgain(reading(), expressions);
    if (again) return again;
    // The parser that recovers from faults is loaded where there are some.
    const parsed = readSoundFile(reading()) ?? (await import('./parse-file.js')).parseFile(reading());
    if (dialect.name === 'auto') this.#known?.add(path, file, parsed);
    return parsed;
  }

  /** Goes through a file as the reference does, which deals with one thing after the other. */
  async #walk({ items, problems, finished }: ParsedFile, including: Including): Promise<void> {
    const { module } = including;
    let reported = 0;
    const reportUpTo = (moment: Moment): void => {
      let next = problems[reported];
      while (next && compareMoments(next, moment) <= 0) {
        this.#report(next.diagnostic, including);
        next = problems[++reported];
      }
    };
    let pending: DocBlock | undefined;
    const drop = (found: string): void => {
      const fault = pending && this.#documentation.dropped(pending, found);
      if (fault) this.#report(fault, including);
      pending = undefined;
    };
    for (const item of items) {
      if (item.kind === 'documentation') {
        for (const block of item.blocks) {
          reportUpTo({ at: block.span.start, phase: phase.finish });
          drop('another documentation block');
          module.docs.push(block);
          pending = block;
        }
        reportUpTo(item.finished);
        continue;
      }
      reportUpTo(item.finished);
      const { value, broken } = item;
      if (value.pairs.has('include')) {
        drop('an include');
        await this.#include(value, broken, including);
      } else if (this.#dialect.has('pragma') && value.pairs.has('pragma')) {
        drop('a pragma');
        this.#pragma(value, broken, including);
      } else {
        const { doc, fault } = this.#documentation.attached(pending, value);
        if (fault) this.#report(fault, including);
        pending = undefined;
        const expression = new Expression(value, doc, broken);
        module.expressions.push(expression);
        this.#expressions.push(expression);
      }
    }
    reportUpTo(finished);
    drop('the end of the file');
    reportUpTo({ at: Number.POSITIVE_INFINITY, phase: phase.look });
  }

  async #include(expression: SyntaxObject, broken: boolean, including: Including): Promise<void> {
    const { module, path: includer, chain } = including;
    const report = (found: Diagnostic): void => this.#report(found, including);
    const definition = { name: 'include', span: expression.span };
    const extra = expression.pairs.values().find(({ key }) => key.value !== 'include')?.key;
    if (extra && !broken) report(diagnostic('include-with-keys', { key: extra.value }, extra.span, { definition }));
    const target = expression.pairs.get('include')?.value;
    if (target?.kind !== 'string') {
      if (target)
        report(diagnostic('include-not-a-string', { found: describeValue(target) }, target.span, { definition }));
      return;
    }
    const modern = this.#dialect.has('normalised include paths');
    const spelled = besides(modern ? module.file.path : includer, target.value);
    const path = this.#host.resolve(spelled);
    module.includes.push(relativeTo(this.#root, path));
    // Up to 2.11 a cycle of includes spelled with `./` or `../` is not noticed, and makes the reference crash.
    if (isOnTheWay(path, including)) {
      report(diagnostic('include-cycle', { path: target.value }, target.span, { definition }));
      return;
    }
    // Up to 2.11 a file that is spelled so is read again. What it defines is then there twice, which need not be shown more often.
    const times = this.#timesRead.get(path) ?? 0;
    if (times > 1 || (times === 1 && (modern || spelled === path))) return;
    const read = await this.#read(spelled);
    if (typeof read === 'string') {
      report(diagnostic('unreadable-include', { path: target.value, reason: read }, target.span, { definition }));
      return;
    }
    const here = { message: 'included here', span: expression.span };
    await this.#file(spelled, path, read, [...chain, here], including);
  }

  #pragma(expression: SyntaxObject, broken: boolean, including: Including): void {
    this.#documentation.sawPragma();
    const { pragmas, diagnostics } = applyPragma(this.#pragmas, expression, this.#dialect);
    this.#pragmas = pragmas;
    if (!broken) for (const found of diagnostics) this.#report(found, including);
  }

  #report(found: Diagnostic, { chain }: Including): void {
    this.#diagnostics.push(chain.length === 0 ? found : { ...found, related: [...chain, ...found.related] });
  }
}

function isOnTheWay(path: string, including: Including): boolean {
  for (let file: Including | undefined = including; file; file = file.parent) if (file.path === path) return true;
  return false;
}
