import { parseJson } from '../../runtime/json/parse.js';
import type { Int64, JsonValue } from '../../runtime/json/value.js';
import { KeyvalVisitor } from '../../runtime/visit/keyval-visitor.js';
import type { Name } from '../../runtime/visit/visitor.js';

/** Reads key=value arguments as a person means them who does not see the schema. */
export class ArgumentVisitor extends KeyvalVisitor {
  /** Introspection calls every integer `int`, those that are sizes, too: each may have a suffix. */
  override int64(value: unknown, name: Name): Int64 {
    return typeof value === 'string' && /^\d/.test(value) ? this.size(value, name) : super.int64(value, name);
  }

  /** What is JSON is meant as such, all else as text. */
  override any(value: unknown, name: Name): JsonValue {
    if (typeof value !== 'string') return super.any(value, name);
    try {
      return parseJson(value);
    } catch {
      return value;
    }
  }
}
