import type { ts } from 'ts-morph';
import { adviceFor } from '../generator/compare/advice.js';
import type { Change, ChangeSeverity } from '../generator/compare/change.js';
import type { Schema } from '../generator/schema/model.js';
import type { ChangeIndex } from './change-index.js';
import type { Ts } from './compiler.js';
import type { Edit } from './edit.js';
import { type Element, nameOf } from './elements.js';
import type { Meaning } from './meaning.js';
import type { Place, Use } from './place.js';
import { isHarmful, isRemoval } from './removal.js';
import { renameEdit } from './rename-edit.js';
import type { Renames } from './renames.js';

/** What a part of the search knows, and where it puts what it finds. */
export interface Search {
  readonly ts: Ts;
  readonly meaning: Meaning;
  readonly changes: ChangeIndex;
  readonly renames: Renames;
  /** The new schema; the old one is that of `meaning`. */
  readonly now: Schema;
  /** Names of commands that need no handler. */
  readonly reserved: ReadonlySet<string>;
  readonly found: Found;
}

/** How a change at a place is to be put down. */
export interface Finding {
  readonly node: ts.Node;
  readonly use: Use;
  readonly change: Change;
  /** What changes, as to be named. */
  readonly name: string;
  /** What to do, instead of what the change advises. */
  readonly remedy?: string | undefined;
  readonly fix?: Edit | undefined;
}

/** Collects places, each once. */
export class Found {
  readonly #places = new Map<string, Place>();

  /** Takes a change of the schema at a node of the program. */
  add({ node, change, name, ...finding }: Finding): void {
    const { code, kind, message, successor } = change;
    const role = receives(finding.use) ? 'receiver' : 'sender';
    const remedy = finding.remedy ?? adviceFor(kind, [role], { successor, removed: true });
    this.put({
      node,
      ...finding,
      remedy,
      code,
      kind,
      severity: severityFor(change, finding.use),
      reason: `${name}: ${message}`,
    });
  }

  /** Takes a place as it is to be reported. */
  put({ node, use, code, kind, severity, reason, remedy, fix }: Omit<Finding, 'change' | 'name'> & Report): void {
    const file = node.getSourceFile();
    const [start, end] = [node.getStart(file), node.end];
    const key = `${file.fileName}:${start}:${code}:${reason}`;
    if (this.#places.has(key)) return;
    const { line, character } = file.getLineAndCharacterOfPosition(start);
    this.#places.set(key, {
      file: file.fileName,
      start,
      end,
      line: line + 1,
      column: character + 1,
      use,
      code,
      kind,
      severity,
      reason,
      ...(remedy !== undefined && { remedy }),
      ...(fix && { fix }),
    });
  }

  /** What was found, in the order of files and lines. */
  places(): Place[] {
    return [...this.#places.values()].sort(
      (a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.start - b.start) || (a.reason < b.reason ? -1 : 1),
    );
  }
}

interface Report {
  readonly code: string;
  readonly kind: string;
  readonly severity: ChangeSeverity;
  readonly reason: string;
}

/**
 * A program that implements a schema breaks on what is compatible for clients: the compiler refuses it. So it does with a list that
 * is not complete any more.
 */
function severityFor({ severity, breaks }: Change, use: Use): ChangeSeverity {
  if (severity !== 'compatible') return severity;
  return breaks.length > 0 ? 'breaks' : use === 'switch' ? 'may surprise' : severity;
}

function receives(use: Use): boolean {
  return use === 'read' || use === 'event' || use === 'switch';
}

/** Puts down the changes of an element at the node that names it; `matters` says which. */
export function report(
  { ts, found, changes, renames }: Search,
  element: Element,
  node: ts.Node,
  use: Use,
  matters: (change: Change) => boolean = isHarmful,
): void {
  const relevant = changes.of(element).filter(matters);
  if (relevant.length === 0) return;
  const successor = renames.of(element);
  const edit = successor === undefined ? undefined : renameEdit(ts, node, element.of.name, successor);
  for (const change of relevant) {
    // The edit is for what is gone; any other change stays to be looked at.
    const mended = edit && isRemoval(change) ? { fix: edit, remedy: `it is called '${successor}' now` } : {};
    found.add({ node, use, change, name: nameOf(element), ...mended });
  }
}
