import { changeKinds } from '../../generator/compare/kinds.js';

const table = /<!-- kinds -->\n[\s\S]*?<!-- \/kinds -->/;

/** A page of the documentation with the table of the kinds of changes filled in. */
export function withChangeKinds(page: string): string {
  const rows = Object.entries(changeKinds).map(
    ([kind, { code, sent = '–', received = '–', summary }]) =>
      `| ${code} | \`${kind}\` | ${summary} | ${sent} | ${received} |`,
  );
  const head = ['| Code | Kind | What it is | Sender | Receiver |', '| --- | --- | --- | --- | --- |'];
  return page.replace(table, ['<!-- kinds -->', '', ...head, ...rows, '', '<!-- /kinds -->'].join('\n'));
}
