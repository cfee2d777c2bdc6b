import type { Inline } from './tree.js';

/**
 * Inline markup: literals, roles, hyperlinks, interpreted text, emphasis, bare addresses and `@name`. What stands between the
 * stars of emphasis may hold literals, but no other stars.
 */
const markup =
  /``((?:[^`]|`(?!`))+)``|:([a-z][a-z:-]*):`([^`]+)`|`([^`<]*[^`<\s])\s*<([^`>]+)>`__?|`([^`]+)`(_{0,2})|(\*\*?)(?<=(?:^|[\s'"([{<\-/:])\*{1,2})(?=[^\s*])((?:[^*`]|``[^`]+``|`[^`]+`)+)(?<!\s)\8(?![\w*])|(https?:\/\/[^\s<>"`*@]*[^\s<>"`*@.,;:!?)'\]])|@([A-Za-z_](?:[\w.-]*\w)?)/g;

/** Text without markup. */
const plain = /^(?:[^`@*:]|:(?!\/\/))*$/;

/** Reads the inline markup of a paragraph. */
export function parseInline(text: string): Inline[] {
  if (text === '') return [];
  if (plain.test(text)) return [{ kind: 'text', text }];
  const content: Inline[] = [];
  let start = 0;
  let pending = '';
  const add = (node: Inline): void => {
    if (node.kind === 'text') {
      pending += node.text;
      return;
    }
    if (pending !== '') content.push({ kind: 'text', text: pending });
    pending = '';
    content.push(node);
  };
  for (const match of text.matchAll(markup)) {
    const { index } = match;
    pending += text.slice(start, index);
    start = index + match[0].length;
    add(nodeOf(match, text.charAt(index - 1)));
  }
  pending += text.slice(start);
  if (pending !== '') content.push({ kind: 'text', text: pending });
  return content;
}

function nodeOf(match: RegExpExecArray, before: string): Inline {
  if (match[1] !== undefined) return { kind: 'literal', text: match[1] };
  const [all, , role, named, title, url, interpreted, reference, stars, emphasised, address, name] = match;
  if (role !== undefined) return roleNode(role, named as string);
  if (title !== undefined) return { kind: 'hyperlink', text: title, url: url as string };
  if (interpreted !== undefined) return reference ? { kind: 'text', text: interpreted } : nameNode(interpreted);
  if (stars !== undefined) {
    return { kind: 'emphasis', strong: stars.length === 2, content: parseInline(emphasised as string) };
  }
  if (address !== undefined) return { kind: 'hyperlink', text: address, url: address };
  // An address of mail, or a name in another name.
  if (/[\w.]/.test(before)) return { kind: 'text', text: all };
  return nameNode(name as string);
}

function nameNode(name: string): Inline {
  return name === '' ? { kind: 'text', text: '' } : { kind: 'name', name };
}

/** `:ref:` and `:doc:` name a place by its title or path; all other roles name things of the schema. */
function roleNode(role: string, text: string): Inline {
  const titled = /^([^<]*[^<\s])\s*<[^>]*>$/.exec(text);
  if (titled) return { kind: 'text', text: titled[1] as string };
  return /^(?:doc|ref|term)$/.test(role) ? { kind: 'text', text } : nameNode(text.replace(/^[~!]/, ''));
}
