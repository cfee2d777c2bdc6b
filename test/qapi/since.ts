import type { Definition } from '../../generator/schema/model.js';
import { describedNames } from './described-names.js';

/** The releases that brought a definition and, where they came later, its members. */
export interface Since {
  readonly definition?: string;
  readonly members: Readonly<Record<string, string>>;
}

/** Reads what a documentation block says, in the form that this project's schema uses. */
export function documentedSince({ doc }: Definition): Since {
  const section = doc?.sections.find(({ tag }) => tag === 'Since');
  const members: Record<string, string> = {};
  for (const { name, text } of doc?.arguments ?? []) {
    const since = /\(since ([\d.]+)\)/.exec(text)?.[1];
    if (since) members[name] = since;
  }
  return { ...(section && { definition: section.text }), members };
}

/**
 * Reads the comment in front of a definition of a release before 2.9, when comments had no meaning to the language and
 * were written in many ways.
 */
export function commentedSince(definition: Definition): Since {
  let since: string | undefined;
  let described: string[] = [];
  const members: Record<string, string> = {};
  for (const line of commentBefore(definition)) {
    const ofDefinition = /^# Since:? *([\d.]+)/.exec(line);
    if (ofDefinition) {
      since = ofDefinition[1];
      described = [];
      continue;
    }
    const names = /^# @?([\w-]+(?:, @[\w-]+)*):/.exec(line)?.[1]?.split(', @') ?? [];
    const known = names.filter((name) => describedNames(definition).includes(name));
    if (known.length > 0) described = known;
    const release = /since:? *([\d.]+\d)/i.exec(line)?.[1];
    if (release) for (const name of described) members[name] ??= release;
  }
  return { ...(since && { definition: since }), members };
}

function commentBefore({ name, span }: Definition): string[] {
  if (!span) throw new Error(`"${name}" stands in no file`);
  const lines: string[] = [];
  for (let line = span.file.lineAt(span.start) - 1; /^#|^$/.test(span.file.lineText(line)) && line > 0; line--) {
    lines.unshift(span.file.lineText(line));
  }
  return lines;
}
