import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { createQmpServer, type QmpServer } from '../../../../runtime/qmp/server/server.js';
import { FUZZ_TIMEOUT, fuzz } from '../fuzz.js';
import { echoCommands, echoHandlers } from './echo.js';

/** A client that is only bytes. */
class Wire extends Duplex {
  received = '';
  #wake: () => void = () => {};

  constructor() {
    super({ decodeStrings: false });
  }

  override _read(): void {}

  override _write(text: string, _encoding: string, done: () => void): void {
    this.received += text;
    this.#wake();
    done();
  }

  /** Waits for what the server is to send. */
  async until(text: string): Promise<void> {
    while (!this.received.includes(text)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** A server, and a client of it that has negotiated. */
async function served(): Promise<{ server: QmpServer; wire: Wire; problems: unknown[] }> {
  const problems: unknown[] = [];
  const onProblem = (problem: unknown): unknown => problems.push(problem);
  const server = await createQmpServer({ dispatch: echoCommands, handlers: echoHandlers, onProblem });
  onTestFinished(() => server.close());
  const wire = new Wire();
  server.serve({ readable: wire, writable: wire });
  wire.push('{"execute": "qmp_capabilities"}\n');
  return { server, wire, problems };
}

const requests = fc.constantFrom(
  '{"execute": "qmp_capabilities"}\n',
  '{"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}, "id": 1}\r\n',
  '{"execute": "query-version", "id": "a"}\n',
  `{'execute': 'echo', 'arguments': {'x': [1, -0.5e3, true, null, "\\u00e9\\n", 18446744073709551615]}, 'id': [{}]}`,
  '{"exec-oob": "slow", "arguments": {"deep": [[[[{"a": {}}]]]]}, "id": {"__proto__": 1}}\n',
  '{"execute": "slow", "arguments": {"__proto__": {"polluted": true}, "constructor": 1}, "id": 2}',
  '{"execute": "__proto__", "id": "toString"}\n',
  '{"__proto__": {"execute": "echo"}}\n',
  '[1, 2]\n',
);

test(
  'whatever a client sends, the server lives, and what is valid after it is answered',
  async () => {
    const { server, problems } = await served();
    let serial = 0;
    await fuzz('server', requests, async (noises) => {
      const wire = new Wire();
      server.serve({ readable: wire, writable: wire });
      for (const bytes of noises) wire.push(bytes);
      // A byte that fits nowhere ends whatever is begun.
      wire.push(Buffer.from([0xff, 0x0a]));
      wire.push('{"execute": "qmp_capabilities"}\n');
      const id = `valid-${++serial}`;
      for (const name of ['a', 'b']) {
        wire.push(`{"execute": "echo", "arguments": {"${name}": 1}, "id": "${id}"}\n`);
        await wire.until(`{"return": {"${name}": 1}, "id": "${id}"}\r\n`);
      }
      wire.destroy();
    });
    expect(problems).toEqual([]);
  },
  FUZZ_TIMEOUT,
);

test('names that mean something to JavaScript are data', async () => {
  const { wire, problems } = await served();
  const value =
    '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {}}, "toString": null, "hasOwnProperty": 2}';
  wire.push(`{"execute": "echo", "arguments": ${value}, "id": ${value}}\n`);
  await wire.until(`{"return": ${value}, "id": ${value}}\r\n`);
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'then']) {
    wire.received = '';
    wire.push(`{"execute": "${name}", "id": 1}\n`);
    await wire.until('"CommandNotFound"');
    wire.push(`{"execute": "echo", "${name}": 1, "id": 2}\n`);
    await wire.until(`{"id": 2, "error": {"class": "GenericError", "desc": "A request has no member '${name}'`);
  }
  expect({}).not.toHaveProperty('polluted');
  expect(problems).toEqual([]);
});

test('a result that has a member called then is a result', async () => {
  const { wire, problems } = await served();
  wire.push('{"execute": "echo", "arguments": {"then": 1}, "id": 1}');
  await wire.until('{"return": {"then": 1}, "id": 1}\r\n');
  expect(problems).toEqual([]);
});
