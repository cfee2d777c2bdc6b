import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pageFolder } from '../../generator/emit/output/kinds.js';
import { writeFiles } from '../../generator/emit/output/write.js';
import { documentationSite } from '../../generator/emit/site/site.js';
import { loadSchema } from '../../generator/schema/load.js';
import type { Schema } from '../../generator/schema/model.js';
import { type Browser, type ContextOptions, complaintsAbout, type Page, startBrowser } from './browser.js';
import { describeWithPrograms } from './programs.js';

const project = join(import.meta.dirname, '../..');

/** Screenshots stay here, which git ignores and the workflow keeps. */
const screenshots = join(project, 'artefacts');

describeWithPrograms('the reference in a browser', ['chromium'], () => {
  let browser: Browser;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'qapi-ts-site-'));
    const schema = await schemaIn(join(project, 'qapi/qapi-schema.json'));
    const old = await schemaIn(join(project, 'test/fixtures/emit/gallery/qapi-schema.json'));
    writeFiles(
      folder,
      documentationSite(schema, { title: 'Block layer', old: { schema: old, name: 'gallery' } }),
      pageFolder,
    );
    browser = await startBrowser();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Does something with a page that was opened from its file, and finds no error in it. */
  async function on(path: string, options: ContextOptions, action: (page: Page) => Promise<void>): Promise<void> {
    const context = await browser.newContext({ viewport: { width: 1100, height: 800 }, ...options });
    try {
      const page = await context.newPage();
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      await page.goto(pathToFileURL(join(folder, path)).href);
      await action(page);
      expect(errors).toEqual([]);
    } finally {
      await context.close();
    }
  }

  test('the search finds as one types, and the keyboard is enough for it', async () => {
    await on('index.html', {}, async (page) => {
      await page.keyboard.press('/');
      await page.keyboard.type('block-comm');
      const chosen = page.locator('#found [aria-selected="true"]');
      await chosen.waitFor();
      expect(await chosen.locator('strong').textContent()).toBe('block-commit');
      await page.keyboard.press('Enter');
      await page.waitForURL(/commands\/block-commit\.html$/);
      expect(await page.locator('h1').textContent()).toBe('command block-commit');

      await page.keyboard.press('/');
      await page.keyboard.type('top-node');
      await page.waitForFunction("document.querySelector('#found li') !== null");
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('Enter');
      await page.waitForURL(/block-commit\.html#member-top-node$/);

      await page.keyboard.press('/');
      await page.keyboard.type('xyzzy');
      await page.waitForFunction("document.querySelector('#status').textContent !== ''");
      expect(await page.locator('#status').textContent()).toBe('Nothing is found for “xyzzy”');
      await page.keyboard.press('Escape');
      expect(await page.evaluate('document.activeElement.tagName')).toBe('BODY');
    });
  });

  test('links lead from a command to its types and back to all that have them', async () => {
    await on('commands/blockdev-add.html', {}, async (page) => {
      await page
        .locator('main a', { hasText: /^BlockdevOptions$/ })
        .first()
        .click();
      await page.waitForURL(/types\/BlockdevOptions\.html$/);
      await page.locator('summary').click();
      await page.locator('details a', { hasText: /^blockdev-add$/ }).click();
      await page.waitForURL(/commands\/blockdev-add\.html$/);
    });
  });

  test('no page is wider than a telephone', async () => {
    for (const path of [
      'index.html',
      'commands/blockdev-add.html',
      'types/BlockdevOptions.html',
      'changes.html',
      'modules/block-core.html',
    ]) {
      await on(path, { viewport: { width: 360, height: 640 } }, async (page) => {
        const width = await page.evaluate('document.documentElement.scrollWidth');
        expect(width, path).toBeLessThanOrEqual(360);
      });
    }
  });

  test('dark where the system is dark, and the other way round by a button that is remembered', async () => {
    const back = (page: Page): Promise<string> => page.evaluate('getComputedStyle(document.body).backgroundColor');
    await on('index.html', { colorScheme: 'dark' }, async (page) => {
      expect(await back(page)).toBe('rgb(20, 23, 27)');
      await page.locator('#theme').click();
      expect(await back(page)).toBe('rgb(255, 255, 255)');
      await page.reload();
      expect(await back(page)).toBe('rgb(255, 255, 255)');
    });
    await on('index.html', { colorScheme: 'light' }, async (page) =>
      expect(await back(page)).toBe('rgb(255, 255, 255)'),
    );
  });

  test('everything but the search can be read without scripts', async () => {
    await on('commands/block-commit.html', { javaScriptEnabled: false }, async (page) => {
      expect(await page.locator('#search').isVisible()).toBe(false);
      expect(await page.locator('#theme').isVisible()).toBe(false);
      expect(await page.locator('#member-top-node').isVisible()).toBe(true);
      await page.locator('header nav a', { hasText: 'Commands' }).click();
      await page.locator('main a', { hasText: /^quit$/ }).click();
      expect(await page.locator('h1').textContent()).toBe('command quit');
    });
  });

  test.each(['light', 'dark'] as const)('axe-core has nothing against any kind of page: %s', async (colorScheme) => {
    mkdirSync(screenshots, { recursive: true });
    const darkPaths = ['changes.html', 'commands/block-commit.html', 'types/BlockExportOptions.html'];
    const lightPaths = [
      'index.html',
      'events.html',
      'builtin-types.html',
      'modules/job.html',
      'commands/block-commit.html',
      'events/BLOCK_JOB_READY.html',
      'types/BlockdevRef.html',
      'types/BlockdevOptionsRaw.html',
      'types/JobStatus.html',
    ];
    for (const path of colorScheme === 'dark' ? darkPaths : lightPaths) {
      await on(path, { colorScheme }, async (page) => {
        expect(await complaintsAbout(page), path).toEqual([]);
        const name = `reference-${colorScheme}-${path.replace(/.*\/|\.html$/g, '')}.png`;
        if (path.includes('/')) await page.screenshot({ path: join(screenshots, name) });
      });
    }
    await on('index.html', { colorScheme }, async (page) => {
      await page.locator('#question').fill('mirror');
      await page.locator('#found li').first().waitFor();
      expect(await complaintsAbout(page)).toEqual([]);
      await page.screenshot({ path: join(screenshots, `reference-${colorScheme}-search.png`) });
    });
  });
});

async function schemaIn(path: string): Promise<Schema> {
  const { schema } = await loadSchema(path, { advice: false });
  if (!schema) throw new Error(`${path} has errors`);
  return schema;
}
