import { beforeAll, describe, expect, test } from 'vitest';
import { complete } from '../../../cli/shell/completion.js';
import type { Knowledge } from '../../../cli/shell/knowledge.js';
import { known } from './known.js';

describe('complete', () => {
  let knowledge: Knowledge;
  beforeAll(async () => {
    knowledge = await known();
  });

  test.each<[what: string, line: string, hits: string[], replaced: string]>([
    ['commands', 'node-', ['node-add ', 'node-del '], 'node-'],
    ['words of the shell', 'he', ['help '], 'he'],
    ['topics of help', 'help job', ['job-pause'], 'job'],
    ['keys, mandatory ones first', 'node-add ', ['driver=', 'node-name='], ''],
    ['keys of the chosen branch', 'node-add driver=file node-name=x ', ['filename=', 'locking='], ''],
    ['keys after a comma', 'node-add driver=file,l', ['locking='], 'l'],
    ['both forms of an alternate', 'node-add driver=raw fi', ['file.', 'file='], 'fi'],
    ['nested keys', 'node-add driver=raw file.', ['file.driver=', 'file.node-name='], 'file.'],
    ['nested keys of the chosen branch', 'node-add driver=raw file.driver=file file.f', ['file.filename='], 'file.f'],
    ['elements of lists', 'node-del m', ['modes.0='], 'm'],
    ['values of enums', 'node-add driver=', ['file', 'raw'], ''],
    ['values of nested enums', 'node-add driver=raw file.driver=r', ['raw'], 'r'],
    ['values of enums in lists', 'node-del modes.0=f', ['file'], 'f'],
    ['booleans', 'node-add driver=file locking=o', ['on', 'off'], 'o'],
    ['names of nodes', 'node-del node-name=', ['disk0', 'disk1'], ''],
    ['names of nodes in alternates', 'node-add driver=raw file=disk1', ['disk1'], 'disk1'],
    ['names of jobs', 'job-pause id=', ['job0'], ''],
    ['nothing after an unknown command', 'nope k', [], ''],
    ['nothing for a command without arguments', 'query-jobs x', [], ''],
    ['nothing for an unknown key', 'node-del colour=', [], ''],
    ['nothing below a scalar', 'node-add driver.x.', [], 'driver.x.'],
    ['nothing in JSON', 'node-add {"dri', [], ''],
    ['nothing for a command that the schema lacks', 'x-hidden a', [], ''],
  ])('%s', async (_what, line, hits, replaced) => {
    const [found, end] = await complete(line, knowledge);
    expect(found.toSorted()).toEqual(hits.toSorted());
    expect(end).toBe(replaced);
    expect(line.endsWith(end)).toBe(true);
  });

  test('proposes mandatory keys first', async () => {
    expect((await complete('node-del ', knowledge))[0]).toEqual(['node-name=', 'modes.0=', 'tag=']);
  });
});
