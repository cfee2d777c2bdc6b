import { createRequire } from 'node:module';

/**
 * What the tests use of playwright-core. Its own declarations need those of browsers, which the project's type check does without;
 * so what runs in a page is written as text.
 */
interface Playwright {
  readonly chromium: {
    launch(options: { readonly executablePath: string; readonly args: readonly string[] }): Promise<Browser>;
  };
}

export interface Browser {
  newContext(options: ContextOptions): Promise<Context>;
  close(): Promise<void>;
}

/** How a page is looked at. */
export interface ContextOptions {
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly colorScheme?: 'light' | 'dark';
  readonly javaScriptEnabled?: boolean;
}

interface Context {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

export interface Page {
  readonly keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void> };
  on(event: 'pageerror', listener: (error: Error) => void): void;
  goto(address: string): Promise<unknown>;
  reload(): Promise<unknown>;
  locator(selector: string, options?: { readonly hasText: RegExp | string }): Locator;
  evaluate<T>(expression: string): Promise<T>;
  waitForFunction(expression: string): Promise<unknown>;
  waitForURL(address: RegExp): Promise<void>;
  addScriptTag(options: { readonly path: string }): Promise<unknown>;
  screenshot(options: { readonly path: string }): Promise<unknown>;
}

interface Locator {
  locator(selector: string): Locator;
  first(): Locator;
  waitFor(): Promise<void>;
  click(): Promise<void>;
  fill(text: string): Promise<void>;
  isVisible(): Promise<boolean>;
  textContent(): Promise<string | null>;
}

const require = createRequire(import.meta.url);

/** Starts Debian's chromium. */
export function startBrowser(): Promise<Browser> {
  const { chromium } = require('playwright-core') as Playwright;
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
}

/** What axe-core has against a page. */
export async function complaintsAbout(page: Page): Promise<string[]> {
  await page.addScriptTag({ path: require.resolve('axe-core/axe.min.js') });
  const violations = await page.evaluate<{ id: string; nodes: { html: string }[] }[]>(
    'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => ({ html })) })))',
  );
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).slice(0, 3)}`);
}
