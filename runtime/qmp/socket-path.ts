/** The longest path of a unix socket, in bytes, on the system that runs. Node.js cuts a longer one silently, and uses another socket. */
export const LONGEST_SOCKET_PATH = process.platform === 'linux' ? 107 : 103;

/** What is wrong with the path of a unix socket; undefined when nothing is. Windows has named pipes instead, which may be longer. */
export function complaintAboutPath(path: string): string | undefined {
  if (path === '') return 'the path is empty';
  if (path.includes('\0')) return 'a path has no NUL byte';
  const bytes = Buffer.byteLength(path);
  if (process.platform === 'win32' || bytes <= LONGEST_SOCKET_PATH) return undefined;
  return `the path has ${bytes} bytes, and that of a unix socket at most ${LONGEST_SOCKET_PATH}: make a link in a shorter place, or give it relative to the working directory`;
}
