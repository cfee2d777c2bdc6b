/**
 * What a declaration of the generated code may not be called: words of the language, the names of its own types, what CommonJS
 * output declares around a module, and the variables of generated functions.
 */
const reserved = new Set(
  (
    'arguments as async await break case catch class const continue debugger default delete do else enum eval export extends ' +
    'false finally for function get if implements import in instanceof interface let module new null of package private ' +
    'protected public require exports return set static super switch this throw true try type typeof var void while with yield ' +
    'any bigint boolean never number object string symbol undefined unknown ' +
    'Infinity NaN globalThis ' +
    'args context count data handlers member name o result sink v value'
  ).split(' '),
);

/**
 * Globals, which a type of the same name would hide from each file that imports it: those of ECMAScript, TypeScript's utility
 * types, and those of Node.js. A fixed list, since generated code is the same wherever it is generated.
 */
const globals = new Set(
  (
    'AggregateError Array ArrayBuffer AsyncDisposableStack AsyncGenerator AsyncIterable AsyncIterator Atomics BigInt ' +
    'BigInt64Array BigUint64Array Boolean DataView Date DisposableStack Error EvalError FinalizationRegistry Float16Array ' +
    'Float32Array Float64Array Function Generator Int16Array Int32Array Int8Array Intl Iterable Iterator JSON Map Math Number ' +
    'Object Promise Proxy RangeError ReferenceError Reflect RegExp Set SharedArrayBuffer String SuppressedError Symbol ' +
    'SyntaxError TypeError URIError Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet ' +
    'ArrayLike AsyncDisposable Awaited Capitalize ConstructorParameters Disposable Exclude Extract InstanceType Lowercase ' +
    'NoInfer NonNullable Omit OmitThisParameter Parameters Partial Pick PromiseLike PropertyKey Readonly ReadonlyArray ' +
    'ReadonlyMap ReadonlySet Record Required ReturnType ThisParameterType ThisType Uncapitalize Uppercase ' +
    'AbortController AbortSignal Blob BroadcastChannel Buffer Crypto CryptoKey CustomEvent DOMException Event EventSource ' +
    'EventTarget File FormData Headers MessageChannel MessageEvent MessagePort NodeJS Performance ReadableStream Request ' +
    'Response SubtleCrypto TextDecoder TextEncoder TransformStream URL URLSearchParams WebAssembly WebSocket WritableStream'
  ).split(' '),
);

/** All names that no declaration may have. */
const unavailable = new Set([...reserved, ...globals]);

const identifier = /^[A-Za-z_$][\w$]*$/;

/** The characters that a single-quoted literal cannot hold as they are. Lone surrogates have no UTF-8 form. */
const unsafe = /[\\'\p{Cc}\u2028\u2029\p{Cs}]/gu;

/** Text that has nothing to escape: nearly all names of a schema. */
const harmless = /^[\w .:/-]*$/;

/** A string literal of TypeScript. */
export function stringLiteral(text: string): string {
  return harmless.test(text) ? `'${text}'` : `'${text.replace(unsafe, escapeCharacter)}'`;
}

function escapeCharacter(character: string): string {
  if (character === '\\' || character === "'") return `\\${character}`;
  if (character === '\n') return '\\n';
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The name of a member as an interface declares it: quoted only if it must be. */
export function memberName(name: string): string {
  return identifier.test(name) ? name : stringLiteral(name);
}

/** The name of a QAPI definition as an identifier: unchanged where it is one, otherwise `_` for what cannot be part of one. */
export function toIdentifier(name: string): string {
  const plain = identifier.test(name) ? name : name.replace(/[^\w$]/g, '_');
  return /^\d/.test(plain) || plain === '' ? `_${plain}` : plain;
}

/** A name made of words (`blockdev-add`, `BLOCK_JOB_READY`) in the style of types: `BlockdevAdd`, `BlockJobReady`. */
export function pascalCase(name: string): string {
  const words = (/[a-z]/.test(name) ? name : name.toLowerCase()).match(/[A-Za-z0-9]+/g) ?? [];
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

/** Hands out identifiers so that no two declarations get the same. */
export class IdentifierPool {
  readonly #taken = new Set<string>(unavailable);

  /** The wanted identifier, or the nearest free one: with `_` at its end, then with `_2`, `_3` … */
  claim(wanted: string): string {
    let name = this.#taken.has(wanted) ? `${wanted}_` : wanted;
    for (let count = 2; this.#taken.has(name); count++) name = `${wanted}_${count}`;
    this.#taken.add(name);
    return name;
  }
}
