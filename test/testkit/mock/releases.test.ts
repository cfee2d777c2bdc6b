import { expect, test } from 'vitest';
import { loadSchema } from '../../../generator/schema/load.js';
import type { JsonObject } from '../../../runtime/json/value.js';
import { connect } from '../../../runtime/qmp/client.js';
import { checkConformance, mockQmp, Values } from '../../../testkit/index.js';
import { corpusPath, describeWithCorpus } from '../../corpus.js';

describeWithCorpus('mocks of QEMU releases', 'releases', () => {
  test.each([
    ['2.8-dev', 'qapi-schema.json', 140],
    ['10.1', 'qapi/qapi-schema.json', 230],
  ])(
    'a mock of %s answers all its commands, sends all its events, and conforms',
    async (release, root, several) => {
      const { schema } = await loadSchema(corpusPath('releases', release, root), { advice: false });
      if (!schema) throw new Error('the schema is not valid');
      await using mock = await mockQmp(schema, { seed: 2, jobs: false });
      await using client = await connect(mock.address);
      const values = new Values();
      let answered = 0;
      for (const definition of schema.definitions) {
        const { kind, name } = definition;
        if (kind === 'event') mock.emit(name);
        if (kind !== 'command' || name === 'quit' || name === 'qmp_capabilities') continue;
        const args = definition.arguments && (values.of(definition.arguments) as JsonObject);
        await client.executeUnknown(name, args, { timeout: 10_000 });
        answered++;
      }
      expect(answered).toBeGreaterThan(several);
      const { checks } = await checkConformance(client, schema);
      expect(checks.flatMap(({ problems }) => problems)).toEqual([]);
      mock.verify();
    },
    60_000,
  );
});
