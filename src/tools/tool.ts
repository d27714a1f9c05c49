import type { PlanRequest } from "../contract/requests.ts";

/** A JSON Schema as models read it: an object without `$ref`. */
export interface ToolSchema {
  readonly type: "object";
  readonly properties: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  readonly [keyword: string]: unknown;
}

export type ToolArguments = Readonly<Record<string, unknown>>;

/** Something a model may call. Nothing that confirms is ever one. */
export interface Tool {
  /** `fs_read`: letters, digits and `_`, at most 64. */
  readonly name: string;
  /** A few words for a person. */
  readonly title: string;
  /** For the model: what it does, with its bounds, and what happens where a person must confirm. */
  readonly description: string;
  /** Open at the top: what it does not know is passed over. */
  readonly parameters: ToolSchema;
  /** Of `result` in the answer; absent where it depends on the call. */
  readonly result?: ToolSchema;
  readonly annotations: {
    readonly readOnly: boolean;
    readonly destructive: boolean;
    readonly idempotent: boolean;
    /** It may reach beyond the desktop. */
    readonly openWorld: boolean;
  };
  /** The plan that a call makes; absent for `task_status`, which plans nothing. Throws `invalid_request`. */
  readonly plan?: (args: ToolArguments) => PlanRequest;
}

/** The name of an action's tool: `_` for the dot. */
export function toolName(action: string): string {
  return action.replaceAll(".", "_");
}
