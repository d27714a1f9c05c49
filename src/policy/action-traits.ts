/** Lists of an action's policy, each of which allows what it names and nothing else. */
export type PolicyList =
  | "allowed_paths"
  | "allowed_extensions"
  | "allowed_domains"
  | "allowed_commands"
  | "allowed_apps";

/** What the policy room must know of an action to judge a policy file; a capability states it. */
export interface ActionTraits {
  /** The lists that say something about it; without an entry in the first, nothing is allowed. */
  readonly lists: readonly PolicyList[];
  /** It changes something on its own word, and so should have a person behind it. */
  readonly hasEffect: boolean;
  /** What an operator should know who enables it. */
  readonly danger?: string;
  /** Its policy may bound by an envelope what it does by itself. */
  readonly takesEnvelope: boolean;
}

/** Every action of this version, by its name. */
export type ActionRegistry = ReadonlyMap<string, ActionTraits>;
