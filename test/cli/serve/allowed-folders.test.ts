import { closeSync, mkdirSync, mkdtempSync, openSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AllowedFolders } from '../../../cli/serve/allowed-folders.js';

/** `in/` is allowed, `out/` is not; each has a file and a folder. */
function folders(): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'qapi-ts-allow-')));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const folder of ['in', 'out', 'in-not']) {
    mkdirSync(join(root, folder, 'sub'), { recursive: true });
    writeFileSync(join(root, folder, 'file'), '');
  }
  return root;
}

async function allows(root: string, path: string): Promise<boolean> {
  const allowed = await AllowedFolders.of([join(root, 'in')]);
  return allowed.authorize(path).then(
    () => true,
    (error: unknown) => {
      expect(error).toMatchObject({ name: 'BlockError', code: 'EACCES' });
      return false;
    },
  );
}

describe('an allowed folder', () => {
  it.each([
    ['in/file', true],
    ['in/new', true],
    ['in/sub/new', true],
    ['in/sub/../file', true],
    ['out/../in/file', true],
    ['in', true],
    ['out/file', false],
    ['out/new', false],
    ['in/../out/file', false],
    ['in/../out/new', false],
    ['in-not/file', false],
    ['', false],
    ['in/no-folder/new', false],
    ['in/no-folder/../../out/file', false],
  ])('%s: %s', async (path, allowed) => {
    const root = folders();
    expect(await allows(root, `${root}/${path}`)).toBe(allowed);
    expect(await allows(root, relative(process.cwd(), root) + (path === '' ? '' : `/${path}`))).toBe(allowed);
  });

  it.each([
    ['in/link', '../out/file', false],
    ['in/link', '../out/new', false],
    ['in/link', '../in/file', true],
    ['in/link', 'new', true],
    ['out/link', '../in/file', true],
    ['in/link', 'link', false],
    ['in/link', '/dev/null', false],
  ])('%s -> %s: %s', async (link, target, allowed) => {
    const root = folders();
    symlinkSync(target, join(root, link));
    expect(await allows(root, join(root, link))).toBe(allowed);
  });

  it('refuses paths that leave the folder through chained links or linked folders', async () => {
    const root = folders();
    symlinkSync('../out', join(root, 'in/away'));
    symlinkSync('away/missing', join(root, 'in/first'));
    symlinkSync('first', join(root, 'in/second'));
    symlinkSync('../out/sub', join(root, 'in/deep'));
    expect(await allows(root, `${root}/in/second`)).toBe(false);
    expect(await allows(root, `${root}/in/away/new`)).toBe(false);
    // What looks like in/file is out/file.
    expect(await allows(root, `${root}/in/deep/../file`)).toBe(false);
  });

  it('accepts an allowed folder that is named through a link', async () => {
    const root = folders();
    symlinkSync('in', join(root, 'alias'));
    const allowed = await AllowedFolders.of([join(root, 'alias')]);
    await expect(allowed.authorize(join(root, 'in/file'))).resolves.toBeUndefined();
    await expect(allowed.authorize(join(root, 'alias/new'))).resolves.toBeUndefined();
  });

  it('refuses files of the network', async () => {
    const root = folders();
    mkdirSync(join(root, 'in/http:/host'), { recursive: true });
    mkdirSync(join(root, 'in/nbd:/host:1'), { recursive: true });
    const before = process.cwd();
    process.chdir(join(root, 'in'));
    try {
      expect(await allows(root, 'file')).toBe(true);
      expect(await allows(root, 'http://host/disk')).toBe(false);
      expect(await allows(root, 'HTTPS://host/disk')).toBe(false);
      expect(await allows(root, 'nbd://host:1/disk')).toBe(false);
    } finally {
      process.chdir(before);
    }
  });

  it('refuses an allowed folder that is no folder', async () => {
    const root = folders();
    await expect(AllowedFolders.of([join(root, 'missing')])).rejects.toThrow(/Cannot allow .*No such file/);
    await expect(AllowedFolders.of([join(root, 'in/file')])).rejects.toThrow(/Not a directory/);
  });

  it('refuses what was opened elsewhere, whatever the path leads to by now', async () => {
    const root = folders();
    const link = join(root, 'in/link');
    symlinkSync('../out/file', link);
    const opened = openSync(link, 'r');
    onTestFinished(() => closeSync(opened));
    rmSync(link);
    symlinkSync('file', link);
    const allowed = await AllowedFolders.of([join(root, 'in')]);
    await expect(allowed.authorize(link)).resolves.toBeUndefined();
    await expect(allowed.authorize(link, opened)).rejects.toMatchObject({ code: 'EACCES' });
    const right = openSync(link, 'r');
    onTestFinished(() => closeSync(right));
    await expect(allowed.authorize(link, right)).resolves.toBeUndefined();
    rmSync(join(root, 'in/file'));
    await expect(allowed.authorize(link, right)).resolves.toBeUndefined();
  });

  it('accepts and refuses files whose names are not UTF-8', async () => {
    const root = folders();
    const name = Buffer.from('h\xe9', 'latin1');
    for (const place of ['in/', 'out/']) writeFileSync(Buffer.concat([Buffer.from(join(root, place, '/')), name]), '');
    symlinkSync(Buffer.concat([Buffer.from('../out/'), name]), join(root, 'in/link'));
    expect(await allows(root, join(root, 'in/h\udce9'))).toBe(true);
    expect(await allows(root, join(root, 'in/new\udce9'))).toBe(true);
    expect(await allows(root, join(root, 'out/h\udce9'))).toBe(false);
    expect(await allows(root, join(root, 'in/link'))).toBe(false);
  });

  it('refuses names that no file can have', async () => {
    const root = folders();
    expect(await allows(root, join(root, 'in/\0'))).toBe(false);
    expect(await allows(root, '\0abstract')).toBe(false);
  });

  it('allows exactly the files that the file system resolves to the folder', async () => {
    const root = folders();
    symlinkSync('../out/sub', join(root, 'in/link'));
    symlinkSync('../in/sub', join(root, 'out/link'));
    const part = fc.constantFrom('in', 'out', 'sub', 'link', '..', '.', 'file');
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 6 }), async (parts) => {
        const path = [root, ...parts].join('/');
        let real: string | undefined;
        try {
          real = realpathSync.native(path);
        } catch {
          return;
        }
        expect(await allows(root, path)).toBe(`${real}/`.startsWith(`${root}/in/`));
      }),
      { numRuns: 300 },
    );
  });
});
