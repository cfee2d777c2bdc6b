import type {
  Command,
  Definition,
  EnumMember,
  EnumType,
  Event,
  Member,
  ObjectType,
} from '../generator/schema/model.js';

/** What a part of the generated code stands for. */
export type Element =
  | { readonly kind: 'command'; readonly of: Command }
  | { readonly kind: 'event'; readonly of: Event }
  | { readonly kind: 'member'; readonly of: Member; readonly holder: ObjectType; readonly named: string }
  | { readonly kind: 'value'; readonly of: EnumMember; readonly holder: EnumType }
  | { readonly kind: 'type'; readonly of: Definition };

/** An element as to be named to the user. */
export function nameOf(element: Element): string {
  if (element.kind === 'member') return `${element.named}.${element.of.name}`;
  if (element.kind === 'value') return `${element.holder.name} '${element.of.name}'`;
  return element.of.name;
}
