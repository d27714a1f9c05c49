/**
 * What looking through an allow-list came to: the entry that allows, or why none does and, where an
 * entry could change it, the narrowest one that would.
 */
export type RuleMatch =
  | { readonly rule: string }
  | { readonly problem: string; readonly entry?: string };
