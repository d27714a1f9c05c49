import Type, { type Static } from "typebox";

/**
 * What an audit record says, before the chain seals it. Content never stands here, only digests of
 * it; sensitive parameters are masked.
 */
export interface AuditDraft {
  /** Past tense, dotted: task.planned, task.confirmed, step.started, gateway.stopped … */
  readonly type: string;
  /** The key that acted, or null for the gateway itself. */
  readonly key_id: string | null;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly task_id?: string;
  /** Whatever else belongs to the record: JSON values only. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export const AuditRecord = Type.Object({
  seq: Type.Integer(),
  time: Type.String(),
  type: Type.String(),
  key_id: Type.Union([Type.String(), Type.Null()]),
  task_id: Type.Optional(Type.String()),
  details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  /** `hmac-sha256:` of the record before it; the first names the chain. */
  prev: Type.String(),
  /** `hmac-sha256:` over the canonical record without this field. */
  mac: Type.String(),
});
export type AuditRecord = Static<typeof AuditRecord>;

export const AuditQuery = Type.Object(
  {
    after: Type.Optional(Type.Integer({ minimum: 0, description: "records after this seq" })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
    task_id: Type.Optional(Type.String({ maxLength: 64 })),
  },
  { additionalProperties: false },
);
export type AuditQuery = Static<typeof AuditQuery>;

/** Oldest first; `next_after` is absent on the last page. */
export const AuditList = Type.Object({
  records: Type.Array(AuditRecord),
  head: Type.Object({ seq: Type.Integer(), mac: Type.String() }),
  next_after: Type.Optional(Type.Integer()),
});
export type AuditList = Static<typeof AuditList>;
