import type { Change } from '../change.js';
import { countsByKind, countText, entitiesText, headings, placeText } from './words.js';

/** Changes as a page for release notes: how many of each kind, then a list under each severity. */
export function markdownChanges(changes: readonly Change[], title: string): string {
  const parts = [`# ${escaped(title)}`, `${countText(changes)}.`];
  if (changes.length > 0) {
    const rows = countsByKind(changes).map(({ kind, roles, count }) => `| \`${kind}\` | ${roles} | ${count} |`);
    parts.push(['| Change | Breaks | Count |', '| --- | --- | ---: |', ...rows].join('\n'));
  }
  for (const [severity, heading] of Object.entries(headings)) {
    const found = changes.filter((change) => change.severity === severity);
    if (found.length > 0) parts.push(`## ${heading}`, found.map(item).join('\n'));
  }
  return `${parts.join('\n\n')}\n`;
}

function item(change: Change): string {
  const { kind, message, advice } = change;
  const place = placeText(change);
  const where = `**${escaped(entitiesText(change) || kind)}**${place === '' ? '' : ` \`${place}\``}`;
  return `- ${where}: ${escaped(message)}${advice === undefined ? '' : ` (${escaped(advice)})`}`;
}

function escaped(text: string): string {
  return text.replace(/[\\`*_[\]<>|]/g, '\\$&');
}
