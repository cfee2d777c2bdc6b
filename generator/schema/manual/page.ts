import { plainText, textOfLines } from './text.js';

/** A member, value, argument or feature on a manual page. */
export interface ManualEntry {
  readonly name: string;
  /** The type as the page writes it: `BlockdevRef`, `array of string`. Values and features have none. */
  readonly type?: string;
  readonly optional: boolean;
  /** Whether it exists in some builds only. */
  readonly conditional: boolean;
  readonly text: string;
}

/** Members that stand with another type: those of a base, or of the branch for a value of a discriminator. */
interface ManualPart {
  readonly type: string;
  readonly tag?: string;
  readonly value?: string;
}

/** What a manual page says of a definition of the schema. */
export interface ManualDefinition {
  readonly name: string;
  readonly kind: 'Object' | 'Enum' | 'Alternate' | 'Command' | 'Event';
  readonly body: string;
  /** Members, values or arguments. */
  readonly entries: readonly ManualEntry[];
  readonly parts: readonly ManualPart[];
  readonly features: readonly ManualEntry[];
  /** `Returns`, `Since`, `Note`, `Example` and what else there is. */
  readonly sections: readonly { readonly tag: string; readonly text: string }[];
}

/** A manual page of QEMU's protocols, such as `qemu-qmp-ref(7)`. */
export interface ManualPage {
  /** The release that it describes: `7.2.22`; empty where it does not say. */
  readonly version: string;
  readonly definitions: ReadonlyMap<string, ManualDefinition>;
}

const heading = /^\.SS \\fB(.+)\\fP \((Object|Enum|Alternate|Command|Event)\)$/;
const lists: ReadonlySet<string> = new Set(['Members', 'Values', 'Arguments', 'Features']);

/**
 * Reads a manual page as QEMU's documentation makes it since 5.2: a heading for each definition with its kind, and below it the text and the
 * sections. Whatever else the page has is passed over.
 */
export function readManualPage(page: string): ManualPage {
  const definitions = new Map<string, ManualDefinition>();
  const lines = page.split(/\r?\n/);
  const [, version = ''] = /^\.TH "[^"]*" "[^"]*" "[^"]*" "([^"]*)"/m.exec(page) ?? [];
  for (let at = 0; at < lines.length; at++) {
    const [, name, kind] = heading.exec(lines[at] as string) ?? [];
    if (name === undefined || kind === undefined) continue;
    let end = at + 1;
    while (end < lines.length && !heading.test(lines[end] as string) && !/^\.SH /.test(lines[end] as string)) end++;
    const plain = plainText(name);
    definitions.set(plain, readDefinition(plain, kind as ManualDefinition['kind'], lines.slice(at + 1, end)));
  }
  return { version, definitions };
}

function readDefinition(name: string, kind: ManualDefinition['kind'], lines: readonly string[]): ManualDefinition {
  const blocks = new Map<string, string[]>();
  let block: string[] = [];
  blocks.set('', block);
  for (const line of lines) {
    const [, title] = /^\.SS "?(.+?)"?$/.exec(line) ?? [];
    if (title === undefined) block.push(line);
    else {
      block = blocks.get(title) ?? [];
      blocks.set(title, block);
    }
  }
  const listed = ['Members', 'Values', 'Arguments'].flatMap((title) => itemsOf(blocks.get(title) ?? []));
  return {
    name,
    kind,
    body: textOfLines(blocks.get('') ?? []),
    entries: listed.flatMap((item) => entryOf(item) ?? []),
    parts: listed.flatMap((item) => partOf(item) ?? []),
    features: itemsOf(blocks.get('Features') ?? []).flatMap((item) => entryOf(item) ?? []),
    sections: [...blocks]
      .filter(([title]) => title !== '' && title !== 'If' && !lists.has(title))
      .map(([tag, text]) => ({ tag, text: textOfLines(text) })),
  };
}

/** An item of a definition list: its head, and the lines below it. */
interface Item {
  readonly head: string;
  readonly lines: readonly string[];
}

/** The items of the outermost list. */
function itemsOf(lines: readonly string[]): Item[] {
  const items: { head: string; lines: string[] }[] = [];
  let depth = 0;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    if (line.startsWith('.INDENT')) depth++;
    if (line.startsWith('.UNINDENT')) depth--;
    if (depth <= 0) continue;
    if (depth === 1 && line === '.TP') items.push({ head: (lines[++at] ?? '').replace(/^\.B /, ''), lines: [] });
    else if (depth > 1 || !line.startsWith('.INDENT')) items.at(-1)?.lines.push(line);
  }
  return items;
}

function entryOf({ head, lines }: Item): ManualEntry | undefined {
  const [, name, rest = ''] = /^\\fB(.+?)\\fP(.*)$/.exec(head) ?? [];
  if (name === undefined) return undefined;
  const [, type] = /^: (.*?)(?: \(optional\))?(?: \(\\fBIf:.*)?$/.exec(rest) ?? [];
  return {
    name: plainText(name),
    ...(type !== undefined && { type: plainText(type.replace(/\\f[BPI]/g, '')) }),
    optional: rest.includes('(optional)'),
    conditional: rest.includes('(\\fBIf:'),
    text: textOfLines(lines).replace(/^Not documented$/, ''),
  };
}

function partOf({ head }: Item): ManualPart | undefined {
  const text = plainText(head.replace(/\\f[BPI]/g, '').replace(/ \(If:.*$/, ''));
  const [, type, tag, value] = /^The members of (\S+)(?: when (\S+) is "([^"]*)")?/.exec(text) ?? [];
  if (type === undefined) return undefined;
  return { type, ...(tag !== undefined && value !== undefined && { tag, value }) };
}
