import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatKeyval,
  type KeyvalObject,
  type KeyvalTree,
  mergeKeyval,
  parseKeyval,
} from '../../../runtime/visit/keyval-text.js';
import { OptionError } from '../../../runtime/visit/option-error.js';

describe('parseKeyval', () => {
  it.each<[string, KeyvalObject]>([
    ['', {}],
    ['a=1', { a: '1' }],
    ['a=1,', { a: '1' }],
    ['a=1,b=', { a: '1', b: '' }],
    ['a=x=y', { a: 'x=y' }],
    ['a=1,,2', { a: '1,2' }],
    ['a=1,,', { a: '1,' }],
    ['a= 1 ', { a: ' 1 ' }],
    ['a.b.c=1,a.b.d=2,a.e=3', { a: { b: { c: '1', d: '2' }, e: '3' } }],
    ['a=1,a=2', { a: '2' }],
    ['l.1=b,l.0=a', { l: ['a', 'b'] }],
    ['l.00=a,l.1=b,l.01=c', { l: ['a', 'c'] }],
    ['l.0.k=v,l.1.k=w', { l: [{ k: 'v' }, { k: 'w' }] }],
    ['__org.x-y.z_own=1', { '__org.x-y.z_own': '1' }],
    ['a.__com.q_b=1', { a: { '__com.q_b': '1' } }],
    ['constructor.toString=1', { constructor: { toString: '1' } }],
  ])('reads %j', (text, tree) => {
    expect(parseKeyval(text)).toEqual({ tree, help: false });
  });

  it.each([
    ['a', "Expected '=' after parameter 'a'"],
    [',a=1', "Expected a key before ','"],
    ['=1', "'' is not a valid key"],
    ['7up=1', "'7up' is not a valid key"],
    ['0=1', "'0' is not a valid key"],
    ['a..b=1', "'a..b' is not a valid key"],
    ['a.=1', "'a.' is not a valid key"],
    [' a=1', "' a' is not a valid key"],
    ['key[0]=1', "'key[0]' is not a valid key"],
    ['__proto__=1', "'__proto__' is not a valid key"],
    ['a=1,a.b=2', "'a' is given both a value and members"],
    ['a.b.c=1,a.b=2', "'a.b' is given both a value and members"],
    ['l.0=a,l.2=c', "'l.1' is missing"],
    ['l.0=a,l.x=c', "'l' has both indexes and names"],
    ['help', 'Help is not available for this option'],
    [`${'a'.repeat(128)}=1`, 'longer than 127 characters'],
  ])('refuses %j', (text, message) => {
    expect(() => parseKeyval(text)).toThrow(OptionError);
    expect(() => parseKeyval(text)).toThrow(message);
  });

  it('takes a bare first value for the implied key, which may be dotted', () => {
    expect(parseKeyval('qcow2,node-name=n', { impliedKey: 'driver' }).tree).toEqual({
      driver: 'qcow2',
      'node-name': 'n',
    });
    expect(parseKeyval('v', { impliedKey: 'a.b' }).tree).toEqual({ a: { b: 'v' } });
    expect(parseKeyval('k=v', { impliedKey: 'driver' }).tree).toEqual({ k: 'v' });
  });

  it.each(['x,,y', ',a=1', 'k=v,x'])('refuses %j for an implied key', (text) => {
    expect(() => parseKeyval(text, { impliedKey: 'driver' })).toThrow(OptionError);
  });

  it('keeps what stands beside a request for help', () => {
    expect(parseKeyval('a=1,help', { allowHelp: true })).toEqual({ tree: { a: '1' }, help: true });
    expect(parseKeyval('?', { allowHelp: true, impliedKey: 'driver' })).toEqual({ tree: {}, help: true });
  });
});

describe('mergeKeyval', () => {
  it('merges objects, appends lists and lets the later scalar win', () => {
    expect(
      mergeKeyval({ a: { x: '1', y: '2' }, l: ['p'], s: '1' }, { a: { y: '3' }, l: ['q'], s: '2', n: '4' }),
    ).toEqual({
      a: { x: '1', y: '3' },
      l: ['p', 'q'],
      s: '2',
      n: '4',
    });
  });

  it('refuses different kinds of values and names the path', () => {
    expect(() => mergeKeyval({ a: { b: '1' } }, { a: { b: ['2'] } })).toThrow(
      "'a.b' is given different kinds of values",
    );
  });
});

describe('formatKeyval', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,5}$/);
  const tree = fc.letrec<{ tree: KeyvalTree; object: KeyvalObject }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      fc.string({ unit: 'binary' }),
      tie('object'),
      fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
    ),
    object: fc.dictionary(name, tie('tree'), {
      minKeys: 1,
      maxKeys: 3,
      noNullPrototype: true,
    }) as fc.Arbitrary<KeyvalObject>,
  })).object;

  it('formats text that parseKeyval reads back', () => {
    fc.assert(
      fc.property(tree, (value) => {
        expect(parseKeyval(formatKeyval(value)).tree).toEqual(value);
      }),
    );
  });

  it('refuses what the syntax cannot express', () => {
    expect(() => formatKeyval({ a: { b: null } })).toThrow("'a.b' is null");
    expect(() => formatKeyval({ a: [] })).toThrow("'a' is empty");
    expect(formatKeyval({ a: true, b: [1, 2n ** 64n - 1n] })).toBe('a=on,b.0=1,b.1=18446744073709551615');
  });

  it('never fails otherwise than by an OptionError', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a.0_=,?]*$/), (text) => {
        try {
          parseKeyval(text, { impliedKey: 'a.b' });
        } catch (error) {
          expect(error).toBeInstanceOf(OptionError);
        }
      }),
    );
  });
});
