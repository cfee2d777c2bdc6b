import { expect, test } from 'vitest';
import { documentedDefault } from '../../upgrade/documented-default.js';
import { schemaOf } from './marked-program.js';

test.each([
  ['bool', 'whether (default: off)', 'false'],
  ['bool', 'whether; defaults to true.', 'true'],
  ['bool', 'the default is what the host says', undefined],
  ['int', 'how many (default: 16, since 2.0)', '16'],
  ['int', 'how much (default 64k)', undefined],
  ['number', 'the default is 0.5', '0.5'],
  ['str', "the format (default: 'raw')", "'raw'"],
  ['str', 'defaults to the name of the node', undefined],
  ['Mode', 'how (default: fast)', "'fast'"],
  ['Mode', 'how (default: slow)', undefined],
  [['int'], 'numbers (default: 5)', undefined],
  ['int', 'how many', undefined],
])('the default of a member of type %j that is described as %j is %j', async (type, text, value) => {
  const reference = JSON.stringify(type).replaceAll('"', "'");
  const schema = await schemaOf(
    `{ 'enum': 'Mode', 'data': [ 'fast', 'safe' ] }\n{ 'command': 'x', 'data': { '*m': ${reference}, '*o': 'Mode' } }`,
  );
  const command = schema.lookup('x');
  const args = command?.kind === 'command' ? command.arguments : undefined;
  const member = args?.kind === 'struct' ? args.members[0] : undefined;
  expect(member && documentedDefault(member, [undefined, text])).toBe(value);
});
