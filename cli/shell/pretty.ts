import type { Colours } from '../../generator/text/report/colours.js';
import { stringify } from '../../runtime/json/stringify.js';
import { isJsonObject, type JsonValue } from '../../runtime/json/value.js';

/** A value that fits on a line of this width is not spread over several. */
const width = 100;

/** A value as JSON for people: what is short on one line, keys set off. */
export function prettyValue(value: JsonValue, colours: Colours, indent = ''): string {
  const members = membersOf(value);
  const line = visible(stringify(value));
  if (!members || members.length === 0) return line;
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const inside = members.map(
    ([key, member]) => [key === undefined ? '' : `${colours.hint(visible(stringify(key)))}: `, member] as const,
  );
  if (indent.length + line.length <= width && members.every(([, member]) => !membersOf(member)?.length)) {
    const space = open === '{' ? ' ' : '';
    const texts = inside.map(([key, member]) => key + prettyValue(member, colours));
    return `${open}${space}${texts.join(', ')}${space}${close}`;
  }
  const deeper = `${indent}  `;
  const texts = inside.map(([key, member]) => `${deeper}${key}${prettyValue(member, colours, deeper)}`);
  return `${open}\n${texts.join(',\n')}\n${indent}${close}`;
}

function membersOf(value: JsonValue): (readonly [key: string | undefined, member: JsonValue])[] | undefined {
  if (Array.isArray(value)) return value.map((element) => [undefined, element]);
  return isJsonObject(value) ? Object.entries(value) : undefined;
}

/** Text with escapes for what would control a terminal. A program sends what it likes. */
export function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Bidi_Control}]/gu,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
