import { describe, expect, it } from 'vitest';
import { NameSpace } from '../../../../runtime/block/graph/names.js';

describe('the names of nodes and devices', () => {
  it('nodes and devices share one space of names', () => {
    const names = new NameSpace();
    names.takeNode('n');
    names.takeDevice('d');
    expect([names.kind('n'), names.kind('d'), names.kind('x')]).toEqual(['node', 'device', undefined]);
    expect(() => names.takeNode('n')).toThrow("Duplicate nodes with node-name='n'");
    expect(() => names.takeNode('d')).toThrow('node-name=d is conflicting with a device id');
    expect(() => names.takeDevice('d')).toThrow("Device with id 'd' already exists");
    expect(() => names.takeDevice('n')).toThrow("Device name 'n' conflicts with an existing node name");
  });

  it('frees names that are released', () => {
    const names = new NameSpace();
    names.takeNode('a');
    names.release('a');
    names.takeDevice('a');
    names.release('a');
    names.takeNode('a');
  });

  it('refuses malformed names', () => {
    const names = new NameSpace();
    for (const bad of ['', '1', '#block00', 'a b']) {
      expect(() => names.takeNode(bad)).toThrow('Invalid node-name');
      expect(() => names.takeDevice(bad)).toThrow('Invalid device id');
    }
  });

  it('refuses node-names of more than 31 bytes', () => {
    const names = new NameSpace();
    names.takeNode('x'.repeat(31));
    expect(() => names.takeNode('y'.repeat(32))).toThrow('too long');
    names.takeDevice('d'.repeat(100));
  });

  it('makes node-names that users cannot give: a counter from 0 and two digits', () => {
    const names = new NameSpace();
    const made = Array.from({ length: 300 }, () => names.takeNode(undefined));
    expect(new Set(made).size).toBe(300);
    for (const [index, name] of made.entries()) {
      expect(name).toMatch(new RegExp(`^#block${index}\\d\\d$`));
      expect(() => names.takeNode(name)).toThrow('Invalid');
    }
  });
});
