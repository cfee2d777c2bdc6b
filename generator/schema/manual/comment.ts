import { flatten } from './join.js';
import type { ManualDefinition, ManualPage } from './page.js';

/** What a definition that is to be documented has. */
export interface Documented {
  /** The members, values or arguments that are written in it. */
  readonly parts: readonly string[];
  readonly features: ReadonlySet<string>;
  /** What is said of a feature that the page does not describe. */
  featureText(feature: string): string;
}

/** Lines that would begin a section, a heading or another description. */
const special = /^(@[\w.-]+:|=|(Returns|Since|Notes?|Examples?|TODO|Features|Errors):)/;
const sections: ReadonlySet<string> = new Set(['Returns', 'Since', 'Note', 'Notes', 'Example', 'Examples']);

/** The documentation comment of a definition, with what a manual page says of it. */
export function manualComment(
  name: string,
  page: ManualPage,
  described: ManualDefinition,
  { parts, features, featureText }: Documented,
): string {
  const { entries } = flatten(page, described);
  const lines = [`@${name}:`, '', ...running(described.body)];
  const describe = (head: string, text: string): void => {
    const [first = '', ...rest] = text.split('\n');
    lines.push('', `${head} ${first}`.trimEnd(), ...rest.map((line) => (line === '' ? '' : `    ${line}`)));
  };
  for (const part of parts) {
    const text = entries.get(part)?.text;
    if (text !== undefined && text !== '') describe(`@${part}:`, text);
  }
  if (features.size > 0) lines.push('', 'Features:');
  for (const feature of features) {
    const text = described.features.find((entry) => entry.name === feature)?.text;
    describe(`@${feature}:`, text === undefined || text === '' ? featureText(feature) : text);
  }
  for (const { tag, text } of described.sections) {
    if (!sections.has(tag) || text === '' || (tag === 'Returns' && described.kind !== 'Command')) continue;
    describe(`${tag}:`, text);
  }
  return ['##', ...lines.map((line) => `# ${line.replaceAll('##', '#')}`.trimEnd()), '##'].join('\n');
}

/** The lines of a text, of which none is taken for something else. */
function running(text: string): string[] {
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    const before = lines.at(-1);
    if (!special.test(line)) lines.push(line);
    else if (before) lines[lines.length - 1] = `${before} ${line}`;
    else lines.push(line.replace(/^[@=]+ ?/, '').replace(':', ' –'));
  }
  return lines;
}
