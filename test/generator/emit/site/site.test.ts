import { join, posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { documentationSite, type SiteOptions } from '../../../../generator/emit/site/site.js';
import type { GeneratedFile } from '../../../../generator/emit/target.js';
import type { Schema } from '../../../../generator/index.js';
import { corpusPath, describeWithCorpus } from '../../../corpus.js';
import { project, schemaAt, schemaOf, textOf } from '../fixture.js';

function site(schema: Schema, options: Partial<SiteOptions> = {}): GeneratedFile[] {
  return documentationSite(schema, { title: 'Test', ...options });
}

/** The links of a site that lead nowhere. */
function deadLinks(files: readonly GeneratedFile[]): string[] {
  const ids = new Map(
    files.map(({ path, text }) => [path, new Set([...text.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id))]),
  );
  const dead: string[] = [];
  for (const { path, text } of files) {
    if (!path.endsWith('.html')) continue;
    for (const [, address = ''] of text.matchAll(/ (?:href|src)="([^"]*)"/g)) {
      if (/^(?:https?|mailto):/.test(address)) continue;
      const [file = '', id] = address.split('#');
      const target = file === '' ? path : posix.normalize(posix.join(posix.dirname(path), file));
      if (!ids.has(target) || (id !== undefined && !ids.get(target)?.has(id))) dead.push(`${path}: ${address}`);
    }
  }
  return dead;
}

describe('the reference of a schema', async () => {
  const schema = await schemaOf(`
##
# = Drawing
#
# About drawings, see @Shape.
##
##
# @Colour:
#
# What it looks like.
#
# @red: like blood (since 2.0)
#
# Since: 1.5
##
{ 'enum': 'Colour', 'data': [ 'red', { 'name': 'x-blue', 'if': 'BLUE' } ] }
##
# @Base:
#
# @colour: its *colour*
##
{ 'struct': 'Base', 'data': { 'colour': 'Colour' } }
##
# @Circle:
#
# @radius: see @Base
##
{ 'struct': 'Circle', 'data': { 'radius': 'size' } }
##
# @Shape:
##
{ 'union': 'Shape', 'base': 'Base', 'discriminator': 'colour', 'data': { 'red': 'Circle' } }
##
# @draw:
#
# Draws a shape.
#
# @shapes: what to draw
#
# @fast: do not wait for <paint> to dry
#
# Features:
#
# @deprecated: Use nothing instead.
#
# Returns: the colour of @shapes
#
# .. qmp-example::
#    :title: One
#
#    -> { "execute": "draw", "arguments": { "shapes": [] } }
#    <- { "return": { "colour": "red" } }
#
# Since: 2.1
##
{ 'command': 'draw', 'data': { 'shapes': ['Shape'], '*fast': 'bool' }, 'returns': 'Base',
  'features': [ 'deprecated' ], 'allow-oob': true }
##
# @DRAWN:
#
# It is done.
##
{ 'event': 'DRAWN', 'data': { 'shape': 'Shape' } }
`);
  const files = site(schema);
  const page = (path: string): string => textOf(files, path);

  test('makes a page for each command, event and type, and for each module', () => {
    expect(files.map(({ path }) => path).sort()).toEqual([
      'builtin-types.html',
      'commands.html',
      'commands/draw.html',
      'events.html',
      'events/DRAWN.html',
      'index.html',
      'modules/schema.html',
      'search-index.js',
      'site.js',
      'style.css',
      'types.html',
      'types/Base.html',
      'types/Circle.html',
      'types/Colour.html',
      'types/Shape.html',
    ]);
  });

  test('shows badges for what one may rely on', () => {
    const badges = (path: string): string[] =>
      [...page(path).matchAll(/<span class="badge [a-z]+">([^<]*)/g)].map(([, text = '']) => text);
    expect(badges('commands/draw.html')).toEqual(['since 2.1', 'deprecated', 'out of band']);
    expect(badges('types/Colour.html')).toEqual(['since 1.5', 'since 2.0', 'unstable', 'if BLUE']);
  });

  test('shows the wire and TypeScript side by side, with links', () => {
    const plain = (html: string): string =>
      html
        .replaceAll(/<[^>]*>/g, '')
        .replaceAll('&quot;', '"')
        .replaceAll('&gt;', '>')
        .replaceAll('&lt;', '<')
        .replaceAll('&#39;', "'");
    const [wire, typescript] = [...page('commands/draw.html').matchAll(/<pre><code>([\s\S]*?)<\/code><\/pre>/g)].map(
      ([, code = '']) => code,
    );
    expect(plain(wire ?? '').split('\n')).toEqual([
      '-> { "execute": "draw",',
      '     "arguments": {',
      '       "shapes": [ Shape, … ],',
      '       "fast": boolean, optional',
      '     } }',
      '<- { "return": Base }',
    ]);
    expect(plain(typescript ?? '').split('\n')).toEqual([
      'draw: { arguments: DrawArguments; returns: Base };',
      '',
      'export interface DrawArguments {',
      '  shapes: Shape[];',
      '  fast?: boolean;',
      '}',
    ]);
    expect(wire).toContain('<a href="../types/Shape.html">');
    expect(typescript).toContain('<a href="../types/Base.html">Base</a>');
  });

  test('shows examples as QMP and as a call', () => {
    expect(page('commands/draw.html')).toContain(
      'await client.commands.draw({ shapes: [] });\n// returns { colour: &#39;red&#39; }',
    );
    expect(page('commands/draw.html')).toContain('<h3>One</h3>');
  });

  test('says of a type which definitions name it, and which commands and events have it in the end', () => {
    const text = page('types/Circle.html').replaceAll(/<[^>]*>/g, '');
    expect(text).toContain('Shape, branch &#x27;red&#x27;');
    expect(text).toMatch(/In all, 2 commands and events have it\s+DRAWN event\s+draw sent/);
    expect(page('types/Colour.html').replaceAll(/<[^>]*>/g, '')).toMatch(/draw sent and received/);
  });

  test('links members of bases to where they come from, and keeps text text', () => {
    expect(page('types/Shape.html')).toContain('<h3>From <a href="../types/Base.html">');
    expect(page('commands/draw.html')).toContain('wait for &lt;paint&gt; to dry');
  });

  test('makes an index with names, members and words for the search', () => {
    const [, json = ''] = /globalThis\.qapiSearchIndex = (.*);$/m.exec(page('search-index.js')) ?? [];
    const entries = JSON.parse(json) as { name: string; members: string[][]; text: string }[];
    expect(entries.map(({ name }) => name)).toEqual(['Colour', 'Base', 'Circle', 'Shape', 'draw', 'DRAWN']);
    expect(entries[4]).toMatchObject({
      kind: 'command',
      path: 'commands/draw.html',
      summary: 'Draws a shape.',
      members: [
        ['shapes', 'member-shapes'],
        ['fast', 'member-fast'],
      ],
      text: 'Draws a shape. the colour of shapes what to draw do not wait for <paint> to dry',
    });
  });

  test('every link leads somewhere', () => {
    expect(deadLinks(files)).toEqual([]);
  });

  test('marks what is new, changed and gone since another schema', async () => {
    const old = await schemaOf(`
{ 'enum': 'Colour', 'data': [ 'red' ] }
{ 'struct': 'Base', 'data': { 'colour': 'Colour' } }
{ 'struct': 'Circle', 'data': { 'radius': 'size' } }
{ 'union': 'Shape', 'base': 'Base', 'discriminator': 'colour', 'data': { 'red': 'Circle' } }
{ 'command': 'draw', 'data': { 'shapes': ['Shape'] }, 'returns': 'Base', 'allow-oob': true }
{ 'command': 'erase' }
`);
    const marked = site(schema, { old: { schema: old, name: 'before' } });
    const badges = (path: string): string[] =>
      [...textOf(marked, path).matchAll(/<span class="badge (?:new|changed)">([^<]*)/g)].map(([, text = '']) => text);
    expect(badges('events/DRAWN.html')).toEqual(['new since before']);
    expect(badges('commands/draw.html')).toEqual(['changed since before', 'new']);
    expect(badges('types/Colour.html')).toEqual(['changed since before', 'new']);
    expect(badges('types/Circle.html')).toEqual([]);
    expect(textOf(marked, 'changes.html')).toContain(
      '<li id="removed-erase"><small>command</small> <code>erase</code></li>',
    );
    expect(textOf(marked, 'search-index.js')).toContain('"path":"changes.html#removed-erase"');
    expect(deadLinks(marked)).toEqual([]);
  });
});

test.each(['gallery', 'hostile', 'legacy'])('no name or text of a schema breaks out of its page: %s', async (name) => {
  const files = site(await schemaAt(join(project, 'test/fixtures/emit', name, 'qapi-schema.json')));
  expect(deadLinks(files)).toEqual([]);
  const paths = files.map(({ path }) => path.toLowerCase());
  expect(new Set(paths).size).toBe(paths.length);
  for (const { path, text } of files) {
    if (!path.endsWith('.html')) continue;
    const open: string[] = [];
    for (const [, closing, tag = ''] of text.matchAll(/<(\/?)([a-z][a-z0-9]*)(?:\s[^<>]*)?>/g)) {
      if (/^(?:meta|link|input)$/.test(tag)) continue;
      if (!closing) open.push(tag);
      else expect(open.pop(), `${path}: </${tag}>`).toBe(tag);
    }
    expect(open, path).toEqual([]);
    const ids = [...text.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size, path).toBe(ids.length);
    expect(text.match(/<script/g)?.length, path).toBe(2);
  }
});

describeWithCorpus('references of releases', 'releases', () => {
  test.each(['7.2/qga/qapi-schema.json', '11.1/qga/qapi-schema.json'])(
    'every link of the reference of %s leads somewhere',
    async (path) => {
      const files = site(await schemaAt(corpusPath('releases', path)));
      expect(files.length).toBeGreaterThan(80);
      expect(deadLinks(files)).toEqual([]);
    },
  );

  test('a comparison of two releases marks what the later has, and every link of it leads somewhere', async () => {
    const old = await schemaAt(corpusPath('releases/7.2/qapi/qapi-schema.json'));
    const schema = await schemaAt(corpusPath('releases/10.1/qapi/qapi-schema.json'));
    const files = site(schema, { old: { schema: old, name: '7.2' } });
    expect(deadLinks(files)).toEqual([]);
    expect(textOf(files, 'commands/qom-list-get.html')).toContain('new since 7.2');
    expect(textOf(files, 'changes.html')).toContain('Breaks clients');
  });
});
