import { expect, test } from 'vitest';
import { type SearchEntry, search, searchable } from '../../../../generator/emit/site/browser/rank.js';

function entry(name: string, members: readonly string[] = [], text = ''): SearchEntry {
  return {
    name,
    kind: 'command',
    path: `${name}.html`,
    summary: '',
    members: members.map((member) => [member, `member-${member}`]),
    text,
  };
}

const entries = searchable([
  entry('block-commit', ['top-node', 'speed'], 'Commits data.'),
  entry('commit', [], 'Writes data.'),
  entry('job-commit-all'),
  entry('recommit'),
  entry('query-jobs', ['commit'], ''),
  entry('stop', [], 'Nothing to commit here.'),
]);

const names = (question: string): string[] =>
  search(entries, question).map(({ entry: { name }, member }) => (member ? `${name}#${member[1]}` : name));

test('finds the name itself first, then names, members and text with the word', () => {
  expect(names('commit')).toEqual([
    'commit',
    'block-commit',
    'job-commit-all',
    'recommit',
    'query-jobs#member-commit',
    'stop',
  ]);
});

test('finds only what has every word, whatever its case', () => {
  expect(names('COMMIT speed')).toEqual(['block-commit#member-speed']);
  expect(names('commit nothing-like-this')).toEqual([]);
});

test('finds nothing when nothing is asked', () => {
  expect(names('  ')).toEqual([]);
});
