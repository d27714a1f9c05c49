import Type, { type Static } from "typebox";
import { RiskLevel } from "../../contract/policy.ts";
import { PlanDigest, TaskId, TaskStatus } from "../../contract/task.ts";

const closed = { additionalProperties: false } as const;
/** 256 random bits, unpadded base64url. */
const Secret = Type.String({ pattern: "^[A-Za-z0-9_-]{44}$" });
const ArtifactId = Type.String({ pattern: "^artifact_[A-Za-z0-9_-]{22}$" });

/** A piece of what is shown: text in which nothing is hidden, to be shown as text. */
export const CardBlock = Type.Object({ label: Type.String(), text: Type.String() });
export type CardBlock = Static<typeof CardBlock>;

export const CardStep = Type.Object({
  title: Type.String(),
  risk: RiskLevel,
  blocks: Type.Array(CardBlock),
  picture: Type.Optional(Type.String({ description: "artifact id of the screen as planned on" })),
});
export type CardStep = Static<typeof CardStep>;

export const CardView = Type.Object({
  task_id: TaskId,
  plan_digest: PlanDigest,
  status: TaskStatus,
  finished: Type.Boolean(),
  headline: Type.String(),
  risk: RiskLevel,
  facts: Type.Array(CardBlock),
  steps: Type.Array(CardStep),
  decidable: Type.Boolean({ description: "it may be approved here" }),
  why_not: Type.Optional(Type.String()),
  confirmation_url: Type.String(),
  progress: Type.Integer(),
  message: Type.Optional(Type.String()),
  outcome: Type.Array(CardBlock),
  pictures: Type.Array(Type.String(), { description: "artifact ids of what it left behind" }),
});
export type CardView = Static<typeof CardView>;

export const CardOpenRequest = Type.Object({ token: Secret }, closed);
export const CardOpenView = Type.Object({
  session: Type.Optional(Type.String({ description: "absent where the link was opened before" })),
  confirmation_url: Type.String(),
});
export type CardOpenView = Static<typeof CardOpenView>;

export const CardStateRequest = Type.Object(
  {
    session: Secret,
    seen: Type.Optional(
      Type.String({ maxLength: 64, description: "the state shown; answered when it is another" }),
    ),
  },
  closed,
);
export const CardState = Type.Object({ state: Type.String(), card: CardView });
export type CardState = Static<typeof CardState>;

export const CardDecideRequest = Type.Object(
  { session: Secret, plan_digest: PlanDigest, decision: Type.Enum(["approve", "reject"]) },
  closed,
);
export type CardDecideRequest = Static<typeof CardDecideRequest>;

export const CardPictureRequest = Type.Object({ session: Secret, artifact_id: ArtifactId }, closed);
