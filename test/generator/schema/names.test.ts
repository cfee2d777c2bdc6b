import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  camelToUpper,
  cName,
  type NameKind,
  nameFault,
  reservedMemberFault,
  reservedSuffixFault,
  uppercaseFault,
} from '../../../generator/schema/names.js';
import { Dialect, dialectNames } from '../../../generator/syntax/dialect.js';

const kinds: readonly NameKind[] = [
  'enum',
  'struct',
  'union',
  'alternate',
  'command',
  'event',
  'member',
  'argument',
  'enum value',
  'branch',
  'feature',
];

function dialect(name: string): Dialect {
  const found = Dialect.named(name);
  if ('problem' in found) throw new Error(found.problem);
  return found.dialect;
}

function fault(release: string, name: string, kind: NameKind, owner?: string, exceptions: readonly string[] = []) {
  const set = new Set(exceptions);
  const pragmas = { memberNameExceptions: set, commandNameExceptions: set };
  return nameFault(name, kind, { dialect: dialect(release), pragmas }, owner)?.name;
}

describe('form of names', () => {
  test.each([
    // name, kind, releases that take it, releases that do not
    ['a', 'member', ['2.4', '2.5', '2.6', '5.2', '6.0', '10.1', 'auto'], []],
    ['', 'member', [], ['2.4', '2.6', '10.1', 'auto']],
    ['', 'enum value', ['2.4', '2.5'], ['2.6', '4.2', '10.1', 'auto']],
    ['_a', 'member', ['2.4', '2.5', 'auto'], ['2.6', '5.2', '6.0']],
    ['a.b', 'member', ['2.4', '2.5', 'auto'], ['2.6', '4.1', '10.1']],
    ['9a', 'enum value', ['2.4', '2.6', '5.2', '6.0', '10.1', 'auto'], []],
    ['9a', 'branch', [], ['2.4', '2.6', '5.2', '6.0', 'auto']],
    ['-a', 'enum value', ['2.4', '2.5', 'auto'], ['2.6', '10.1']],
    ['__com.example_a', 'member', ['2.4', '2.6', '5.2', '6.0', '10.1', 'auto'], []],
    ['__com.example', 'member', ['2.4', '2.5', 'auto'], ['2.6', '10.1']],
    ['__com.example_9', 'member', ['2.4', 'auto'], ['2.6', '10.1']],
    ['*a', 'member', [], ['2.4', '2.6', '4.2', '10.1', 'auto']],
    ['a b', 'member', [], ['2.4', '2.6', '10.1', 'auto']],
    ['é', 'member', [], ['2.4', '2.6', '10.1', 'auto']],
    ['a\n', 'member', ['2.4', '2.8', '4.1'], ['4.2', '10.1', 'auto']],
    ['a\n\n', 'member', [], ['2.4', '2.8', '4.1']],
    ['x-', 'member', ['2.4', '2.6', '6.0', '10.1', 'auto'], []],
    ['x-9', 'member', ['2.4', '2.6', '6.0', '10.1', 'auto'], []],
  ] as const)('%j as %s', (name, kind, good, bad) => {
    for (const release of good) expect([release, fault(release, name, kind)]).toEqual([release, undefined]);
    for (const release of bad) expect([release, fault(release, name, kind)]).toEqual([release, 'malformed-name']);
  });

  test("names that begin with 'q_' in C are reserved from 2.5 on", () => {
    for (const name of ['q_a', 'q-a', 'q-']) {
      expect(fault('2.4', name, 'member')).toBeUndefined();
      for (const release of ['2.5', '2.8', '5.2', '6.0', '10.1', 'auto']) {
        expect(fault(release, name, 'enum value')).toBe('reserved-prefix');
      }
    }
    expect(fault('2.8', 'Q-a', 'member')).toBeUndefined();
    expect(fault('2.5', 'q.a', 'member')).toBe('reserved-prefix');
  });

  test('says what is wrong and proposes a name that is right', () => {
    const rules = {
      dialect: dialect('10.1'),
      pragmas: { memberNameExceptions: new Set<string>(), commandNameExceptions: new Set<string>() },
    };
    const found = nameFault('sector size', 'member', rules);
    expect(found?.hint).toBe("for instance 'sector-size'");
    expect(nameFault('sectorSize', 'member', rules)?.hint).toBe("for instance 'sector-size'");
    expect(nameFault('disk_info', 'struct', rules)?.hint).toBe("for instance 'DiskInfo'");
    expect(nameFault('diskGone', 'event', rules)?.hint).toBe("for instance 'DISK_GONE'");
    expect(nameFault('__com.example_disk-gone', 'event', rules)?.hint).toBe("for instance '__com.example_DISK_GONE'");
  });
});

describe('style of names', () => {
  test.each([
    ['struct', 'Disk', true],
    ['struct', 'X', false],
    ['struct', 'DISK', false],
    ['struct', 'disk', false],
    ['struct', 'Disk_Info', false],
    ['struct', 'x-Disk', true],
    ['enum', 'X-Disk', true],
    ['alternate', '__com.example_Disk', true],
    ['union', 'Disk2', true],
    ['command', 'query-disk', true],
    ['command', 'query_disk', false],
    ['command', 'queryDisk', false],
    ['command', 'X-query', true],
    ['event', 'DISK_GONE', true],
    ['event', 'DISK-GONE', false],
    ['event', 'Disk', false],
    ['event', 'x-DISK', true],
    ['member', 'a_b', false],
    ['argument', 'a-B', false],
    ['enum value', '9-a', true],
    ['enum value', '9_a', false],
    ['branch', 'a_b', false],
    ['feature', 'a-b', true],
    ['feature', 'A', false],
  ] as const)('%s %j: %s', (kind, name, good) => {
    for (const release of ['6.0', '7.1', '10.1']) expect(fault(release, name, kind) === undefined).toBe(good);
    expect(fault('auto', name, kind)).toBeUndefined();
  });

  test('releases 6.1 to 7.0 do not check the names of features', () => {
    for (const release of ['6.1', '6.2', '7.0']) expect(fault(release, 'A_b', 'feature')).toBeUndefined();
    for (const release of ['5.2', '6.0', '7.1']) expect(fault(release, 'A_b', 'feature')).toBeDefined();
  });

  test('pragmas except the owners of members and values, and commands', () => {
    expect(fault('10.1', 'a_B', 'member', 'Disk', ['Disk'])).toBeUndefined();
    expect(fault('10.1', 'a_B', 'enum value', 'Disk', ['Disk'])).toBeUndefined();
    expect(fault('10.1', 'a_b', 'argument', 'disk', ['disk'])).toBe('lowercase-name-style');
    expect(fault('10.1', 'a_b', 'branch', 'Disk', ['Disk'])).toBe('lowercase-name-style');
    expect(fault('10.1', 'query_disk', 'command', undefined, ['query_disk'])).toBeUndefined();
    expect(fault('10.1', 'query_Disk', 'command', undefined, ['query_Disk'])).toBe('lowercase-name-style');
  });

  test('4.2 to 5.2 look for uppercase in everything but the names of definitions', () => {
    for (const release of ['4.2', '5.2']) {
      for (const kind of kinds.slice(6)) expect(fault(release, 'aB', kind)).toBe('uppercase-name');
      for (const kind of kinds.slice(0, 6)) expect(fault(release, 'a_B', kind)).toBeUndefined();
      expect(fault(release, 'aB', 'member', 'Disk', ['Disk'])).toBeUndefined();
      expect(fault(release, 'aB', 'argument', 'disk', ['disk'])).toBe('uppercase-name');
      expect(fault(release, 'X-a', 'member')).toBe('uppercase-name');
      expect(fault(release, 'a_b', 'member')).toBeUndefined();
    }
    expect(fault('4.1', 'aB', 'member')).toBeUndefined();
  });

  test('up to 4.1 exceptions also name implicit types', () => {
    const rules = {
      dialect: dialect('2.9'),
      pragmas: { memberNameExceptions: new Set(['q_obj_disk-arg']), commandNameExceptions: new Set<string>() },
    };
    expect(uppercaseFault('aB', 'argument', rules, 'q_obj_disk-arg')).toBeUndefined();
    expect(uppercaseFault('aB', 'argument', rules, 'q_obj_tape-arg')?.name).toBe('uppercase-name');
    expect(uppercaseFault('a_b', 'argument', rules, 'q_obj_tape-arg')).toBeUndefined();
  });
});

describe('reserved names', () => {
  test.each([
    ['DiskKind', 'struct', ['2.4', '2.8', '6.0', '6.1'], ['6.2', '10.1', 'auto']],
    ['DiskList', 'struct', ['2.5', '6.1', '10.1', 'auto'], ['2.4']],
    ['disk-Kind', 'command', ['2.4', '6.0'], ['6.1', '6.2', 'auto']],
    ['disk-List', 'event', ['2.5', '6.0'], ['2.4', '6.1', '10.1', 'auto']],
    ['Disklist', 'struct', [], ['2.4', '2.8', '10.1', 'auto']],
  ] as const)('%s as the name of a %s', (name, kind, reserved, free) => {
    for (const release of reserved)
      expect([release, reservedSuffixFault(name, kind, dialect(release))?.name]).toEqual([release, 'reserved-suffix']);
    for (const release of free)
      expect([release, reservedSuffixFault(name, kind, dialect(release))]).toEqual([release, undefined]);
  });

  test.each(['u', 'has_a', 'has-a', 'has_'])('member %s', (name) => {
    for (const release of ['2.5', '5.2', '6.0', '10.1', 'auto']) {
      expect(reservedMemberFault(name, dialect(release))?.name).toBe('reserved-member-name');
    }
    expect(reservedMemberFault(name, dialect('2.4'))).toBeUndefined();
    for (const release of ['2.5', '5.2', 'auto'])
      expect(reservedMemberFault(`*${name}`, dialect(release))).toBeUndefined();
    for (const release of ['6.0', '10.1']) expect(reservedMemberFault(`*${name}`, dialect(release))).toBeDefined();
  });

  test.each(['us', 'has', 'Has-a', 'U'])('member %s is free', (name) => {
    expect(reservedMemberFault(name, dialect('10.1'))).toBeUndefined();
  });
});

describe('names in C', () => {
  test.each([
    ['fooBar', 'FOO_BAR'],
    ['QKeyCode', 'Q_KEY_CODE'],
    ['FOO', 'FOO'],
    ['foo-bar', 'FOO_BAR'],
    ['Foo-Bar', 'FOO_BAR'],
    ['x86CPU', 'X86_CPU'],
    ['_a', 'A'],
    ['a9', 'A9'],
  ])('%s is %s as a constant', (name, constant) => {
    expect(camelToUpper(name)).toBe(constant);
  });

  test('every character that C does not allow becomes an underscore', () => {
    expect(cName('a-b.c_d')).toBe('a_b_c_d');
  });
});

describe('properties', () => {
  const names = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.stringMatching(/^(__[a-z0-9.-]{1,8}_)?[xX]?-?[a-zA-Z_*][a-zA-Z0-9_.-]{0,10}$/),
  );
  const releases = fc.constantFrom(...dialectNames).map(dialect);
  const pragmas = { memberNameExceptions: new Set<string>(), commandNameExceptions: new Set<string>() };

  test('a proposed name has no fault of its own', () => {
    fc.assert(
      fc.property(names, fc.constantFrom(...kinds), releases, (name, kind, dialect) => {
        const found = nameFault(name, kind, { dialect, pragmas });
        const proposed = /^for instance '(.*)'$/s.exec(found?.hint ?? '')?.[1];
        if (proposed === undefined) return;
        expect(proposed).not.toBe(name);
        expect(nameFault(proposed, kind, { dialect, pragmas })).toBeUndefined();
      }),
    );
  });

  test('what a release from 4.2 on takes as a name, auto takes too', () => {
    fc.assert(
      fc.property(names, fc.constantFrom(...kinds), releases, (name, kind, dialect) => {
        fc.pre(!dialect.has('line feed after a name'));
        if (nameFault(name, kind, { dialect, pragmas })) return;
        expect(nameFault(name, kind, { dialect: Dialect.auto, pragmas })).toBeUndefined();
      }),
    );
  });

  test('a well-formed name is spelled in C with the characters of identifiers', () => {
    fc.assert(
      fc.property(names, (name) => {
        if (nameFault(name, 'member', { dialect: dialect('10.1'), pragmas })) return;
        expect(cName(name)).toMatch(/^[a-z_][a-z0-9_]*$/i);
      }),
    );
  });
});
