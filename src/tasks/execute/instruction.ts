/** What a person tells a task that runs: a word to the agent, or who has the desktop. */
export type Instruction =
  | { readonly kind: "message"; readonly message: string }
  | { readonly kind: "takeover" }
  | { readonly kind: "resume" };
