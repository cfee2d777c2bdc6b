import { describe, expect, test } from 'vitest';
import { changesBetween, lineOf } from './compared.js';

/** A union `Uu` of the values `a`, `b`, `c`, with the members of its base and of each branch, and a command and an event with it. */
function union(base: string, branches: Readonly<Record<string, string>>, values = ['a', 'b', 'c']): string {
  const written = Object.entries(branches).map(([name, members]) => [name, `Branch${name.toUpperCase()}x`, members]);
  return `
    { 'enum': 'Kind', 'data': [ ${values.map((value) => `'${value}'`).join(', ')} ] }
    ${written.map(([, type, members]) => `{ 'struct': '${type}', 'data': { ${members} } }`).join('\n')}
    { 'union': 'Uu', 'base': { 'kind': 'Kind'${base && `, ${base}`} }, 'discriminator': 'kind',
      'data': { ${written.map(([name, type]) => `'${name}': '${type}'`).join(', ')} } }
    { 'command': 'run', 'data': 'Uu', 'boxed': true } { 'event': 'DONE', 'data': 'Uu', 'boxed': true }`;
}

/** A struct in the place of that union. */
const struct = (members: string, rest = ''): string => `
    ${rest}
    { 'struct': 'Uu', 'data': { ${members} } }
    { 'command': 'run', 'data': 'Uu' } { 'event': 'DONE', 'data': 'Uu' }`;

const kinds = "{ 'enum': 'Kind', 'data': [ 'a', 'b', 'c' ] }";

describe('unions', () => {
  test.each<[title: string, old: string, now: string, changes: readonly string[]]>([
    [
      'a new value may surprise receivers, and its members are part of it',
      union('', { a: "'x': 'int'" }),
      union('', { a: "'x': 'int'", d: "'y': 'int'" }, ['a', 'b', 'c', 'd']),
      ['branch-added DONE>data.kind run>arguments.kind receiver?'],
    ],
    [
      'a value that is gone breaks senders',
      union('', { a: "'x': 'int'" }),
      union('', {}, ['b', 'c']),
      ['branch-removed run>arguments.kind DONE>data.kind sender!'],
    ],
    [
      'members of a branch that had none are members, not a new branch',
      union('', {}),
      union('', { a: "'*x': 'int'" }),
      ['optional-member-added DONE>data.x run>arguments.x [kind=a]'],
    ],
    [
      'a member that moves from the base into all branches, or back, is where it was',
      union("'*x': 'int'", {}),
      union('', { a: "'*x': 'int'", b: "'*x': 'int'", c: "'*x': 'int'" }),
      [],
    ],
    [
      'a member of all branches that becomes mandatory says no branch',
      union("'*x': 'int'", {}),
      union('', { a: "'x': 'int'", b: "'x': 'int'", c: "'x': 'int'" }),
      ['member-made-mandatory run>arguments.x DONE>data.x sender!'],
    ],
    [
      'a member that becomes mandatory in some branches says which',
      union('', { a: "'*x': 'int'", b: "'*x': 'int'", c: "'*x': 'int'" }),
      union('', { a: "'x': 'int'", b: "'x': 'int'", c: "'*x': 'int'" }),
      ['member-made-mandatory run>arguments.x DONE>data.x [kind=a|b] sender!'],
    ],
    [
      'an optional member that moves into some branches harms senders alone',
      union("'*x': 'int'", {}),
      union('', { a: "'*x': 'int'" }),
      ['member-made-conditional run>arguments.x DONE>data.x [kind=b|c] sender!'],
    ],
    [
      'a mandatory member that moves into some branches breaks both sides',
      union("'x': 'int'", {}),
      union('', { a: "'x': 'int'" }),
      ['member-made-conditional DONE>data.x run>arguments.x [kind=b|c] sender+receiver!'],
    ],
    [
      'a member of one branch that is gone says which',
      union('', { a: "'*x': 'int'", b: "'*x': 'int'" }),
      union('', { a: "'*x': 'int'", b: '' }),
      ['member-removed DONE>data.x run>arguments.x [kind=b] sender+receiver!'],
    ],
    [
      'the type of a member that changes in one branch says which',
      union('', { a: "'*x': 'int'", b: "'*x': 'int'" }),
      union('', { a: "'*x': 'str'", b: "'*x': 'int'" }),
      ['type-changed DONE>data.x run>arguments.x [kind=a] sender+receiver!'],
    ],
    [
      'a plain object that becomes a union by a new discriminator demands that, and nothing else',
      struct("'*x': 'int', '*y': 'int'"),
      union("'*x': 'int', '*y': 'int'", { a: "'z': 'int'" }),
      ['mandatory-member-added run>arguments.kind DONE>data.kind sender!'],
    ],
    [
      'an optional member that only some branches of a new union have harms senders alone',
      struct("'*x': 'int', 'kind-of': 'str'"),
      union("'kind-of': 'str'", { a: "'*x': 'int'" }),
      [
        'mandatory-member-added run>arguments.kind DONE>data.kind sender!',
        'member-made-conditional run>arguments.x DONE>data.x [kind=b|c] sender!',
      ],
    ],
    [
      'a mandatory member that only some branches of a new union have breaks both sides',
      struct("'x': 'int'"),
      union('', { a: "'x': 'int'", b: "'x': 'int'" }),
      [
        'member-made-conditional DONE>data.x run>arguments.x [kind=c] sender+receiver!',
        'mandatory-member-added run>arguments.kind DONE>data.kind sender!',
      ],
    ],
    [
      'a member that no branch of a new union has is gone',
      struct("'*x': 'int'"),
      union('', {}),
      [
        'member-removed DONE>data.x run>arguments.x sender+receiver!',
        'mandatory-member-added run>arguments.kind DONE>data.kind sender!',
      ],
    ],
    [
      'a plain member that becomes the discriminator is chosen by old clients: what branches demand breaks them',
      struct("'kind': 'Kind'", kinds),
      union('', { a: "'x': 'int'", b: "'*y': 'int'" }),
      [
        'mandatory-member-added run>arguments.x DONE>data.x [kind=a] sender!',
        'optional-member-added DONE>data.y run>arguments.y [kind=b]',
      ],
    ],
    [
      'a string that becomes the discriminator is an enum now',
      struct("'kind': 'str'"),
      union('', { a: "'x': 'int'" }),
      [
        'string-to-enum run>arguments.kind DONE>data.kind sender!',
        'mandatory-member-added run>arguments.x DONE>data.x [kind=a] sender!',
      ],
    ],
    [
      'a new value of a discriminator that was a plain member is a branch',
      struct("'kind': 'Kind'", kinds),
      union('', {}, ['a', 'b', 'c', 'd']),
      ['branch-added DONE>data.kind run>arguments.kind receiver?'],
    ],
    [
      'a union that becomes a plain object with the discriminator as a member has values there',
      union('', { a: "'x': 'int'" }),
      struct("'kind': 'Kind', '*x': 'int'", "{ 'enum': 'Kind', 'data': [ 'a', 'b', 'd' ] }"),
      [
        'branch-removed run>arguments.kind DONE>data.kind sender!',
        'member-made-optional DONE>data.x run>arguments.x [kind=a] receiver!',
        'enum-value-added DONE>data.kind run>arguments.kind receiver?',
        'optional-member-added DONE>data.x run>arguments.x [kind=b]',
      ],
    ],
    [
      'a union that becomes a plain object without the discriminator has lost that member',
      union("'*y': 'int'", { a: "'*x': 'int'" }),
      struct("'*x': 'int', '*y': 'int'"),
      [
        'member-removed DONE>data.kind run>arguments.kind sender+receiver!',
        'optional-member-added DONE>data.x run>arguments.x [kind=b|c]',
      ],
    ],
    [
      'of unions with different discriminators only what all branches have is compared',
      union("'sort': 'Kind', '*p': 'int', '*q': 'int'", { a: "'*x': 'int'" }),
      union("'sort': 'Kind', '*p': 'str'", { a: "'*x': 'int', '*q': 'int'", b: "'*z': 'int'" }).replace(
        "'discriminator': 'kind'",
        "'discriminator': 'sort'",
      ),
      [
        'type-changed DONE>data.p run>arguments.p sender+receiver!',
        'member-made-conditional run>arguments.q DONE>data.q [sort=b|c] sender!',
        'tag-changed DONE>data.sort run>arguments.sort *',
      ],
    ],
  ])('%s', async (_title, old, now, changes) => {
    expect((await changesBetween(old, now)).map(lineOf).sort()).toEqual([...changes].sort());
  });

  test('a union in the branch of a union is compared value by value of both', async () => {
    const nested = (members: string): string => `
      { 'enum': 'Kind', 'data': [ 'a', 'b' ] } { 'enum': 'Sort', 'data': [ 's', 't' ] }
      { 'struct': 'Leaf', 'data': { ${members} } }
      { 'union': 'Inner', 'base': { 'sort': 'Sort' }, 'discriminator': 'sort', 'data': { 's': 'Leaf' } }
      { 'union': 'Outer', 'base': { 'kind': 'Kind' }, 'discriminator': 'kind', 'data': { 'a': 'Inner' } }
      { 'event': 'DONE', 'data': 'Outer', 'boxed': true }`;
    const changes = await changesBetween(nested("'x': 'int'"), nested("'*x': 'int'"));
    expect(changes.map(lineOf)).toEqual(['member-made-optional DONE>data.x [kind=a] [sort=s] receiver!']);
  });

  test('simple unions are unions by their member type', async () => {
    const simple = (type: string, more = ''): string => `
      { 'struct': 'Aa', 'data': { 'x': 'int' } } { 'union': 'Uu', 'data': { 'a': '${type}'${more} } }
      { 'event': 'DONE', 'data': { 'which': 'Uu' } }`;
    expect((await changesBetween(simple('Aa'), simple('str', ", 'b': 'int'"))).map(lineOf)).toEqual([
      'type-changed DONE>data.which.data receiver!',
      'branch-added DONE>data.which.type receiver?',
    ]);
  });

  test('a new value of an enum is a branch where it selects one, and a value elsewhere', async () => {
    const shared = (...values: string[]): string => `
      { 'enum': 'Kind', 'data': [ ${values.map((value) => `'${value}'`).join(', ')} ] }
      { 'union': 'Uu', 'base': { 'kind': 'Kind' }, 'discriminator': 'kind', 'data': {} }
      { 'command': 'run', 'data': { 'kind': 'Kind' }, 'returns': 'Uu' }`;
    expect((await changesBetween(shared('a'), shared('a', 'b'))).map(lineOf)).toEqual([
      'branch-added run>returns.kind receiver?',
      'enum-value-added run>arguments.kind',
    ]);
  });

  test('a feature that the type of a branch has lost is reported with the values that select it, however deep', async () => {
    const unions = (features: string): string => `
      { 'enum': 'Kind', 'data': [ 'a', 'b', 'c' ] }
      { 'struct': 'Leaf', 'data': { 'x': 'int' }${features} }
      { 'union': 'Inner', 'base': { 'what': 'Kind' }, 'discriminator': 'what', 'data': { 'c': 'Leaf' } }
      { 'union': 'Outer', 'base': { 'kind': 'Kind' }, 'discriminator': 'kind', 'data': { 'a': 'Inner', 'b': 'Inner' } }
      { 'command': 'run', 'data': 'Outer', 'boxed': true }`;
    const [marked, plain] = [unions(", 'features': [ 'news' ]"), unions('')];
    expect((await changesBetween(marked, plain)).map(lineOf)).toEqual([
      'feature-removed run>arguments [kind=a|b] [what=c] *',
    ]);
    expect((await changesBetween(plain, marked)).map(lineOf)).toEqual([
      'feature-added run>arguments [kind=a|b] [what=c]',
    ]);
  });
});
