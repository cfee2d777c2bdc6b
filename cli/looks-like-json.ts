/** Whether a file can hold introspection data: the list, or a reply that holds it. Schemas never begin like either. */
export function looksLikeJson(text: string): boolean {
  return /^\s*(\[|\{\s*")/.test(text);
}
