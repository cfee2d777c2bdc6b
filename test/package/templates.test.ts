import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import Handlebars from 'handlebars';
import { expect, onTestFinished, test } from 'vitest';
import { esbuildHandlebars } from '../../build/handlebars-plugin.mjs';

/** What the build makes of a template. */
async function built(template: string, name: string): Promise<(context: unknown) => string> {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-templates-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, name);
  writeFileSync(file, template);
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    format: 'esm',
    logLevel: 'silent',
    plugins: [esbuildHandlebars],
  });
  const module = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0]?.text as string)}`);
  return module.default;
}

const template = `{{#if some}}
some {{some}}
{{else if other}}
  other {{other}}, {{{other}}}
{{else}}
none
{{/if}}
{{#each list}}
 - {{name}}{{#if parts}}: {{#each parts}}[{{this}}]{{/each}}{{/if}}
{{~#if last}} (last){{/if}};
{{/each}}
{{! left out }}
\`\${no} \\ {{deep.text}}`;

const values = [undefined, null, false, true, 0, 1, '', 'text', `<&"'\`=>`, [], [0]];
const contexts = values.flatMap((some) =>
  values.map((other) => ({
    some,
    other,
    deep: { text: other },
    list: Array.isArray(some) ? undefined : [{ name: other }, { name: some, parts: [some, '<'], last: other }],
  })),
);

test.each(['code.hbs', 'page.html.hbs'])('a template renders as Handlebars renders it: %s', async (name) => {
  const render = await built(template, name);
  const expected = Handlebars.compile(template, { noEscape: !name.includes('html') });
  for (const context of contexts) expect(render(context)).toBe(expected(context));
});

test.each([
  ['a helper', '{{upper name}}'],
  ['a block of another kind', '{{#unless name}}{{/unless}}'],
  ['the data of a loop', '{{#each list}}{{@index}}{{/each}}'],
  ['the context around', '{{#each list}}{{../name}}{{/each}}'],
  ['another template', '{{> other}}'],
])('a template does not use %s, of which the build knows nothing', async (_what, text) => {
  await expect(built(text, 'code.hbs')).rejects.toThrow(/templates (do not use|look only)/);
});
