import type { ts } from 'ts-morph';
import type { EnumType, Schema, Type } from '../generator/schema/model.js';
import type { Ts } from './compiler.js';
import { type Declared, type DeclaredNames, declaredMember } from './declared.js';
import type { Element } from './elements.js';

/** What the symbols and types of a program mean in the schema that its generated code was made from. */
export class Meaning {
  readonly schema: Schema;
  readonly checker: ts.TypeChecker;
  readonly names: DeclaredNames;
  readonly #ts: Ts;
  readonly #generated: ReadonlySet<ts.SourceFile>;
  /** The enums of the schema, by the list of their values. */
  readonly #enums = new Map<string, EnumType[]>();

  constructor(
    compiler: Ts,
    checker: ts.TypeChecker,
    generated: Iterable<ts.SourceFile>,
    schema: Schema,
    names: DeclaredNames,
  ) {
    this.#ts = compiler;
    this.checker = checker;
    this.schema = schema;
    this.names = names;
    this.#generated = new Set(generated);
    for (const definition of schema.definitions) {
      if (definition.kind !== 'enum') continue;
      const key = keyOf(definition.members.map(({ name }) => name));
      this.#enums.set(key, [...(this.#enums.get(key) ?? []), definition]);
    }
  }

  /** The elements that symbols are declared for, each once: a union has a member of its base in each of its types. */
  elementsOf(...symbols: readonly (ts.Symbol | undefined)[]): Element[] {
    const found = new Map<object, Element>();
    for (const declaration of symbols.flatMap((symbol) => symbol?.declarations ?? [])) {
      const element = this.#elementAt(declaration);
      if (element) found.set(element.of, element);
    }
    return [...found.values()];
  }

  /** The elements of the member of a name that a type has. */
  membersOf(type: ts.Type, name: string): Element[] {
    return this.membersOfParts(partsOf(type), name);
  }

  /** The elements of the member of a name that some of the types have which a type is made of. */
  membersOfParts(parts: readonly ts.Type[], name: string): Element[] {
    return this.elementsOf(...parts.map((part) => this.checker.getPropertyOfType(part, name)));
  }

  /** The declarations of the schema's types that a type is made of: the branches, where it is a union. */
  declaredOf(type: ts.Type): Declared[] {
    const found = new Map<string, Declared>();
    for (const part of partsOf(type)) {
      for (const symbol of [part.symbol, part.aliasSymbol]) {
        const declared = symbol && this.declaredBy(symbol);
        if (declared) found.set(symbol.name, declared);
      }
    }
    return [...found.values()];
  }

  /** What a symbol declares, where generated code has it. */
  declaredBy(symbol: ts.Symbol): Declared | undefined {
    const isGenerated = symbol.declarations?.some((declaration) => this.isGenerated(declaration)) ?? false;
    return isGenerated ? this.names.types.get(symbol.name) : undefined;
  }

  /** Whether something stands in generated code of the schema. */
  isGenerated(node: ts.Node): boolean {
    return this.#generated.has(node.getSourceFile());
  }

  /** The enums that an expression can hold values of. */
  enumsOf(expression: ts.Expression): EnumType[] {
    const place = this.#ts.isElementAccessExpression(expression) ? expression.argumentExpression : expression;
    const members = this.elementsOf(this.checker.getSymbolAtLocation(place));
    const found = members.flatMap((element) => (element.kind === 'member' ? enumsIn(element.of.type) : []));
    return found.length > 0 ? [...new Set(found)] : this.enumsOfType(this.checker.getTypeAtLocation(expression));
  }

  /** The enums that a type is: by its name, or by the values that it takes. */
  enumsOfType(type: ts.Type): EnumType[] {
    const named = type.aliasSymbol && this.declaredBy(type.aliasSymbol);
    if (named) return named.type.kind === 'enum' ? [named.type] : [];
    const values = literalsOf(type);
    return values.length < 2 ? [] : (this.#enums.get(keyOf(values)) ?? []);
  }

  #elementAt(declaration: ts.Declaration): Element | undefined {
    if (!this.#ts.isPropertySignature(declaration) || !this.isGenerated(declaration)) return undefined;
    const { name } = declaration;
    if (!this.#ts.isIdentifier(name) && !this.#ts.isStringLiteral(name)) return undefined;
    const owner = this.#ts.findAncestor(
      declaration,
      (node) => this.#ts.isInterfaceDeclaration(node) || this.#ts.isTypeAliasDeclaration(node),
    ) as ts.InterfaceDeclaration | ts.TypeAliasDeclaration | undefined;
    if (!owner) return undefined;
    const ownerName = owner.name.text;
    if (ownerName === 'Commands' || ownerName === 'Events') {
      const definition = declaration.parent === owner ? this.schema.lookup(name.text) : undefined;
      if (definition?.kind === 'command') return { kind: 'command', of: definition };
      return definition?.kind === 'event' ? { kind: 'event', of: definition } : undefined;
    }
    const declared = this.names.types.get(ownerName);
    const found = declared && declaredMember(declared, name.text);
    return found && { kind: 'member', of: found.member, holder: found.holder, named: ownerName };
  }
}

/** The types that a union or intersection consists of. */
export function partsOf(type: ts.Type): ts.Type[] {
  return type.isUnionOrIntersection() ? type.types.flatMap(partsOf) : [type];
}

/** The string literals among the types of a union. */
export function literalsOf(type: ts.Type): string[] {
  return partsOf(type).flatMap((part) => (part.isStringLiteral() ? [part.value] : []));
}

/** The enums that a value of a type can be of. */
export function enumsIn(type: Type): EnumType[] {
  if (type.kind === 'enum') return [type];
  return type.kind === 'alternate' ? type.branches.flatMap((branch) => enumsIn(branch.type)) : [];
}

function keyOf(values: readonly string[]): string {
  return [...values].sort().join('\n');
}
