import { expect, test } from 'vitest';
import { compact } from '../../build/compact.mjs';

const bundle = `import {
  other
} from "./chunk.js";

// node_modules/aside/index.js
var require_aside = (shared) => {
  const longName = shared + 1;
  return longName;
};

// runtime/first.ts
/** A function of ours. */
function first(value2) {
  /**
   * More about it.
   */
  if (value2) {
    // Why.
    value2();
  }
  return require_aside(value2) + /* @__PURE__ */ other();
}

// runtime/second.ts
function second() {
  const text = \`not
  // a comment
 /* either */
\`;
  return text;
}

// generated/kinds.ts
function visitKind(visitor, value) {
  return visitor.str(value);
}

// node_modules/aside/last.js
import { inflateSync as unpack } from "node:zlib";
var last_default = function(parameter) {
  return unpack(parameter);
};
export {
  first,
  last_default
};
`;

const modules = [
  'node_modules/aside/index.js',
  'runtime/first.ts',
  'runtime/second.ts',
  'generated/kinds.ts',
  'node_modules/aside/last.js',
];

test('packages and generated code are minified under the names that others use, and lines of ours lose nothing but comments that are none of a text', async () => {
  const lines = bundle.split('\n');
  const { code, mappings } = await compact(
    bundle,
    modules,
    lines.map((_line, index) => [[0, 0, index, 0]]),
  );
  expect(code).toBe(`import { other } from "./chunk.js";

var require_aside=e=>e+1;
// runtime/first.ts
function first(value2) {
	if (value2) {
		value2();
	}
	return require_aside(value2) + /* @__PURE__ */ other();
}

// runtime/second.ts
function second() {
  const text = \`not
  // a comment
 /* either */
\`;
  return text;
}

import { inflateSync as unpack } from "node:zlib";
function visitKind(n,t){return n.str(t)}var last_default=function(n){return unpack(n)};
export { first, last_default };
`);
  // What is said of a line of ours is said of the same line afterwards.
  const ours = code.split('\n').flatMap((line, index) => (line.includes('require_aside(') ? [mappings[index]] : []));
  expect(ours).toEqual([[[0, 0, lines.findIndex((line) => line.includes('require_aside(')), 0]]]);
  // What closes something needs nothing.
  expect(code.split('\n').flatMap((line, index) => (line === '}' ? [mappings[index]] : []))).toEqual([[], []]);
});
