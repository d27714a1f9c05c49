import type { TaskStatus } from "../../src/contract/task.ts";

/** Empty for all of them. */
export type StatusChoice = TaskStatus | "";

export const TASK_STATUS_CHOICES: readonly (readonly [StatusChoice, string])[] = [
  ["", "all"],
  ["awaiting_confirmation", "those that wait"],
  ["planned", "planned"],
  ["ready", "approved"],
  ["queued", "queued"],
  ["running", "running"],
  ["completed", "done"],
  ["failed", "failed"],
  ["rejected", "rejected"],
  ["cancelled", "cancelled"],
  ["expired", "expired"],
  ["interrupted", "interrupted"],
];
