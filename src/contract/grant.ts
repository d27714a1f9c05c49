import Type, { type Static } from "typebox";
import { MAX_GRANT_MINUTES } from "./policy.ts";
import { PlanDigest, TaskId } from "./task.ts";

/** `grant_` and 128 random bits, unpadded base64url. */
const GrantId = Type.String({ pattern: "^grant_[A-Za-z0-9_-]{22}$" });
const Time = Type.String({ format: "date-time", description: "ISO 8601, UTC" });

const scope = {
  path_prefix: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 4096,
      description: "absolute folder or file; matched on whole components",
    }),
  ),
  domain: Type.Optional(
    Type.String({ minLength: 1, maxLength: 253, description: "exactly this host" }),
  ),
};

/** One kind of task of one key that is approved without asking, for a while. */
export const GrantView = Type.Object({
  id: GrantId,
  key_id: Type.String({ description: "the requester whose tasks it covers" }),
  desktop: Type.String(),
  action: Type.String({
    description: "of files or pages: never input, a command, an agent or an application",
  }),
  ...scope,
  created_at: Time,
  expires_at: Time,
  granted_by: Type.String({ description: "whose approvals its approvals are" }),
  on_task: TaskId,
  used: Type.Integer({ description: "tasks that it has approved" }),
  last_used_at: Type.Optional(Time),
});
export type GrantView = Static<typeof GrantView>;

/** GET /grants: those that hold, newest first. */
export const GrantList = Type.Object({ grants: Type.Array(GrantView) });
export type GrantList = Static<typeof GrantList>;

/** POST /grants: `path_prefix` for files, `domain` for pages; either covers what the task is about. */
export const GrantRequest = Type.Object(
  {
    task_id: TaskId,
    plan_digest: PlanDigest,
    minutes: Type.Integer({ minimum: 1, maximum: MAX_GRANT_MINUTES }),
    ...scope,
  },
  { additionalProperties: false },
);
export type GrantRequest = Static<typeof GrantRequest>;

/** The path of what concerns one grant. */
export const GrantParams = Type.Object({ grant_id: GrantId });
