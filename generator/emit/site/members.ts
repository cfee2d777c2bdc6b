import { featureText, memberDocumentation } from '../../doc/documentation.js';
import { htmlOf } from '../../doc/html.js';
import { parseDocumentation } from '../../doc/parse.js';
import type { AlternateType, Conditional, EnumType, Feature, ObjectType, Type } from '../../schema/model.js';
import type { DocBlock } from '../../syntax/doc-block.js';
import { type Badge, statusBadges } from './badges.js';
import { definitionLink, memberId, nameLink, typeLink } from './links.js';
import { docLevel, type SiteContext } from './site-context.js';

/** A row of the table of members, values or branches. */
export interface MemberRow {
  /** Absent where a member and a branch have the same name: the first keeps it. */
  readonly id: string | undefined;
  readonly name: string;
  /** HTML; absent for values. */
  readonly type?: string;
  readonly optional?: boolean;
  readonly badges: readonly Badge[];
  /** HTML. */
  readonly text: string;
}

/** Members from one place: those of the definition itself, or of a base. */
export interface MemberGroup {
  /** HTML: where they come from; absent for its own. */
  readonly from?: string;
  readonly rows: readonly MemberRow[];
}

type Named = Conditional & { readonly name: string; readonly features?: readonly Feature[] };

/** Makes the rows of one page. */
export class MemberRows {
  readonly #context: SiteContext;
  readonly #root: string;
  readonly #owner: string;
  readonly #link: (name: string) => string;
  readonly #ids = new Set<string>();

  /** @param names the members that the page has rows of */
  constructor(context: SiteContext, root: string, owner: string, names: ReadonlySet<string>) {
    this.#context = context;
    this.#root = root;
    this.#owner = owner;
    this.#link = nameLink(context, root, names);
  }

  /** The members of an object type, its own first, then those of its bases. */
  ofObject(type: ObjectType, doc: DocBlock | undefined): MemberGroup[] {
    const groups: MemberGroup[] = [];
    let described = doc;
    for (let part: ObjectType | undefined = type; part; part = part.base) {
      if (!part.implicit) described = part.doc;
      const isOwn = part === type || (part.implicit && groups.length === 0) || part.doc === undefined;
      const rows = part.members.map((member) => ({
        ...this.#row(member, described),
        type: typeLink(this.#context, member.type, this.#root),
        optional: member.optional,
      }));
      if (rows.length === 0) continue;
      groups.push(isOwn || part.implicit ? { rows } : { from: definitionLink(this.#context, part, this.#root), rows });
    }
    return groups;
  }

  /** The branches of a union or an alternate. */
  ofBranches(type: Extract<Type, { branches: unknown }>): MemberRow[] {
    const branches: readonly (AlternateType['branches'][number] & { readonly implicit?: boolean })[] = type.branches;
    return branches
      .filter(({ implicit = false }) => !implicit)
      .map((branch) => ({ ...this.#row(branch, type.doc), type: this.#branchType(branch.type) }));
  }

  /** The values of an enum. */
  ofValues(type: EnumType): MemberRow[] {
    return type.members.map((member) => this.#row(member, type.doc));
  }

  /** The wrapper of a simple union's branch has the one member `data`. */
  #branchType(type: Type): string {
    const [only] = type.kind === 'struct' && type.implicit ? type.members : [];
    return only ? `data: ${typeLink(this.#context, only.type, this.#root)}` : typeLink(this.#context, type, this.#root);
  }

  #idOf(name: string): string | undefined {
    const id = memberId(name);
    if (this.#ids.has(id)) return undefined;
    this.#ids.add(id);
    return id;
  }

  #row(member: Named, doc: DocBlock | undefined): MemberRow {
    const { content = [], since } = memberDocumentation(doc, member.name) ?? {};
    const options = { link: this.#link, level: docLevel };
    const features = (member.features ?? [])
      .map(({ name }) => ({ name, text: featureText(doc, name) }))
      .filter(({ text }) => text !== '')
      .map(({ name, text }) => htmlOf(parseDocumentation(`**${name}**: ${text}`), options));
    return {
      id: this.#idOf(member.name),
      name: member.name,
      badges: [
        ...(since === undefined ? [] : [{ kind: 'since' as const, text: `since ${since}` }]),
        ...statusBadges(member),
        ...(this.#context.marks?.isNewMember(this.#owner, member.name) ? [{ kind: 'new' as const, text: 'new' }] : []),
      ],
      text: htmlOf(content, options) + features.join(''),
    };
  }
}
