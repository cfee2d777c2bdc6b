import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  IdentifierPool,
  memberName,
  pascalCase,
  stringLiteral,
  toIdentifier,
} from '../../../generator/emit/identifier.js';

test('a string literal evaluates to the text that it was made of', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 12 }), (text) => {
      const literal = stringLiteral(text);
      expect(new Function(`return ${literal}`)()).toBe(text);
      expect(literal).not.toMatch(/[\n\r\u2028\u2029]/);
    }),
  );
  expect(stringLiteral('a\ud800b')).toBe("'a\\ud800b'");
});

test('members are quoted only if they must be', () => {
  expect(['device', 'node-name', '4k', 'a.b', 'class', '__proto__'].map(memberName)).toEqual([
    'device',
    "'node-name'",
    "'4k'",
    "'a.b'",
    'class',
    '__proto__',
  ]);
});

test('names of words become names of types', () => {
  expect(['blockdev-add', 'BLOCK_JOB_READY', 'x-do_it', '__com.example_go', 'Mixed-Case'].map(pascalCase)).toEqual([
    'BlockdevAdd',
    'BlockJobReady',
    'XDoIt',
    'ComExampleGo',
    'MixedCase',
  ]);
});

test('every name becomes an identifier', () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      expect(toIdentifier(name)).toMatch(/^[A-Za-z_$][\w$]*$/);
    }),
  );
});

describe('a pool', () => {
  test('gives what is wanted, and then what is near', () => {
    const pool = new IdentifierPool();
    expect(['a', 'a', 'a', 'a_', 'class', 'string'].map((name) => pool.claim(name))).toEqual([
      'a',
      'a_',
      'a_2',
      'a__',
      'class_',
      'string_',
    ]);
  });

  test('gives no name of a global', () => {
    const pool = new IdentifierPool();
    const globals = ['String', 'Error', 'Event', 'Map', 'Date', 'Promise', 'Record', 'Partial'];
    expect(globals.map((name) => pool.claim(name))).toEqual(globals.map((name) => `${name}_`));
  });

  test('never gives the same twice', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'a_', 'a_2', 'a_3', 'a__', 'b')), (names) => {
        const pool = new IdentifierPool();
        const claimed = names.map((name) => pool.claim(name));
        expect(new Set(claimed).size).toBe(claimed.length);
      }),
    );
  });
});
