import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const installed = '/usr/share/man/man7';

/** Manual pages of Debian's packages, by name: as installed, or in CI from the packages, since images leave manuals out. */
export function manualPages(): { readonly pages: ReadonlyMap<string, string>; readonly missing: string } {
  const found = pagesIn(installed);
  if (found.size > 0) return { pages: found, missing: '' };
  const missing = `no manual page of QEMU in ${installed}`;
  if (process.env.CI !== 'true' || process.getuid?.() !== 0) return { pages: found, missing };
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-manual-'));
  try {
    execFileSync('apt-get', ['download', 'qemu-system-common'], { cwd: folder, stdio: 'ignore' });
    const [archive = ''] = readdirSync(folder);
    execFileSync('dpkg', ['-x', archive, 'root'], { cwd: folder });
    return { pages: pagesIn(join(folder, 'root', installed)), missing };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function pagesIn(folder: string): Map<string, string> {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return new Map(
    names
      .filter((name) => /^qemu-.*-ref\.7(\.gz)?$/.test(name))
      .map((name) => {
        const bytes = readFileSync(join(folder, name));
        return [name.replace(/\.7.*$/, ''), (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()];
      }),
  );
}
