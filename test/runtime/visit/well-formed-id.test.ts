import { describe, expect, it } from 'vitest';
import { isWellFormedId } from '../../../runtime/visit/well-formed-id.js';

describe('a well-formed id', () => {
  it.each(['a', 'Z', 'a-b.c_d9', 'x'.repeat(99)])('%s', (id) => expect(isWellFormedId(id)).toBe(true));
  it.each(['', '1a', '#block00', '-a', 'a b', 'a/b', 'ä', 'a\n', 'a\0'])('%j is no well-formed id', (id) =>
    expect(isWellFormedId(id)).toBe(false),
  );
});
