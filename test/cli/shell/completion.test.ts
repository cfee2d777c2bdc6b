import { beforeAll, describe, expect, test } from 'vitest';
import { complete } from '../../../cli/shell/completion.js';
import type { Mode } from '../../../cli/shell/interpreter.js';
import type { Knowledge } from '../../../cli/shell/knowledge.js';
import { known } from './known.js';

describe('complete', () => {
  let knowledge: Knowledge;
  beforeAll(async () => {
    knowledge = await known();
  });

  test.each<[what: string, line: string, hits: string[], replaced: string, mode?: Mode]>([
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
    ['drivers of devices', 'device_add driver=u', ['usb-tablet'], 'u'],
    ['buses', 'device_add driver=nic bus=', ['pci.0', 'usb.0'], ''],
    ['keys and properties of a driver', 'device_add driver=nic i', ['id=', 'iommu='], 'i'],
    ['booleans of a driver', 'device_add driver=nic msix=', ['on', 'off'], ''],
    ['values of on, off and auto', 'device_add driver=nic iommu=', ['on', 'off', 'auto'], ''],
    ['nodes for a drive', 'device_add driver=nic drive=disk1', ['disk1'], 'disk1'],
    ['nothing for an unknown property', 'device_add driver=nic colour=', [], ''],
    ['nothing for the properties of an unknown driver', 'device_add driver=x m', [], 'm'],
    ['ids of devices', 'device_del id=', ['nic0'], ''],
    ['topics after a question mark', '? job', ['job-pause'], 'job'],
    ['a transaction', 'trans', ['transaction ', 'transaction('], 'trans'],
    ['lines for people', '!info b', ['info block'], 'info b'],
    ['lines for people after a space', '! q', ['quit'], 'q'],
    ['actions in a transaction', 'n', ['node-del '], 'n', 'transaction'],
    ['the end of a transaction', ')', [')'], ')', 'transaction'],
    ['keys in a transaction', 'node-del n', ['node-name='], 'n', 'transaction'],
    ['names of nodes in a transaction', 'node-del node-name=disk1', ['disk1'], 'disk1', 'transaction'],
    ['nothing for an unknown action', 'node-add d', [], '', 'transaction'],
    ['every line where all are for people', 'info s', ['info status'], 'info s', 'hmp'],
    ['nothing within JSON', '"node-', [], '', 'more'],
  ])('%s', async (_what, line, hits, replaced, mode) => {
    const [found, end] = await complete(line, knowledge, mode);
    expect(found.toSorted()).toEqual(hits.toSorted());
    expect(end).toBe(replaced);
    expect(line.endsWith(end)).toBe(true);
  });

  test('proposes mandatory keys first', async () => {
    expect((await complete('node-del ', knowledge))[0]).toEqual(['node-name=', 'modes.0=', 'tag=']);
  });
});
