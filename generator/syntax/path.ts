/** The folder of a path, with its final separator; empty for a path without any. */
function folderOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}

/** A path that is relative to the folder of a file, put behind that folder as it is spelled. */
export function besides(file: string, path: string): string {
  return isAbsolute(path) ? path : folderOf(file) + path;
}

function isAbsolute(path: string): boolean {
  return /^(?:[\\/]|[A-Za-z]:[\\/])/.test(path);
}

/** The path of a file relative to the folder of another. Both are absolute and normalised, with `/` between folders. */
export function relativeTo(root: string, path: string): string {
  const from = root.split('/').slice(0, -1);
  const to = path.split('/');
  let shared = 0;
  while (shared < from.length && shared < to.length - 1 && from[shared] === to[shared]) shared++;
  return [...from.slice(shared).map(() => '..'), ...to.slice(shared)].join('/');
}
