import type { Fields } from "./request-body.ts";

export const STATUSES = [
  "PENDING",
  "RUNNING",
  "NEEDS_HELP",
  "NEEDS_REVIEW",
  "COMPLETED",
  "CANCELLED",
  "FAILED",
] as const;
export type Status = (typeof STATUSES)[number];

export const PRIORITIES = ["LOW", "MEDIUM", "HIGH", "URGENT"] as const;
export type Priority = (typeof PRIORITIES)[number];

export type Role = "USER" | "ASSISTANT";

/** A task as the agent's REST answers it. Times are ISO 8601. */
export interface AgentTask {
  readonly id: string;
  readonly description: string;
  readonly type: "IMMEDIATE" | "SCHEDULED";
  readonly priority: Priority;
  readonly model: unknown;
  readonly createdBy: Role;
  readonly createdAt: string;
  readonly scheduledFor: string | null;
  status: Status;
  /** Whose the desktop is while the task lives. */
  control: Role;
  updatedAt: string;
  executedAt: string | null;
  completedAt: string | null;
  queuedAt: string | null;
  error: string | null;
  result: unknown;
}

export interface AgentFile {
  readonly id: string;
  readonly taskId: string;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  /** Base64. */
  readonly data: string;
}

export type Block =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly source: ImageSource }
  | {
      readonly type: "tool_use";
      readonly id: string;
      readonly name: string;
      readonly input: Fields;
    }
  | ToolResult;

interface ImageSource {
  readonly type: "base64";
  readonly media_type: "image/png";
  readonly data: string;
}

export interface ToolResult {
  readonly type: "tool_result";
  readonly tool_use_id: string;
  readonly content: Block[];
  readonly is_error?: boolean;
}

export interface AgentMessage {
  readonly id: string;
  readonly taskId: string;
  readonly role: Role;
  readonly content: readonly Block[];
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** What the model does next; several fields of one step happen in the order they have here. */
export interface AgentStep {
  /** The model's call, however long; asked anew if it was broken off. */
  readonly await?: Promise<unknown>;
  readonly say?: string;
  /** An action of the daemon: `{action: "click_mouse", …}`. */
  readonly act?: DesktopAction;
  /** Several at once, which an honest agent never does. */
  readonly actsAtOnce?: readonly DesktopAction[];
  /** Where to send them instead of the agent's desktop. */
  readonly via?: string;
  /** Makes another task, with its description. */
  readonly createTask?: string;
  readonly needsHelp?: string;
  readonly needsReview?: string;
  readonly complete?: string;
  /** The agent's own failure, such as a model that cannot be reached. */
  readonly fail?: true;
}

export interface DesktopAction extends Fields {
  readonly action: string;
}
