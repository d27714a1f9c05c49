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

/**
 * Marks a record, as it is read to be verified, that the store has filed under another task than the
 * one it is about: no search by task would find it. No part of what is sealed or sent.
 */
export const MISFILED: unique symbol = Symbol("misfiled");

const Moment = Type.String({
  maxLength: 40,
  pattern: "^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?(Z|[+-]\\d{2}:\\d{2}))?$",
});

/** A search looks at a bounded part of the log at a time: a page may be short, even empty, and lead on. */
export const AuditQuery = Type.Object(
  {
    after: Type.Optional(Type.Integer({ minimum: 0, description: "records after this seq" })),
    before: Type.Optional(
      Type.Integer({ minimum: 1, description: "records before this seq; with order newest" }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
    order: Type.Optional(Type.Enum(["oldest", "newest"], { default: "oldest" })),
    task_id: Type.Optional(Type.String({ maxLength: 64 })),
    type: Type.Optional(
      Type.String({
        maxLength: 64,
        pattern: "^[a-z_]+(\\.[a-z_]+)*(\\.\\*)?$",
        description: "task.rejected, or task.* for all of a family",
      }),
    ),
    key_id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: "who acted; - for the gateway itself",
      }),
    ),
    from: Type.Optional({ ...Moment, description: "at this time or later: a date or date-time" }),
    to: Type.Optional({ ...Moment, description: "before this time" }),
    text: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: "stands in the record; of A to Z the case does not matter",
      }),
    ),
  },
  { additionalProperties: false },
);
export type AuditQuery = Static<typeof AuditQuery>;

/** Oldest first unless asked otherwise; without `next_after` or `next_before` there is no more. */
export const AuditList = Type.Object({
  records: Type.Array(AuditRecord),
  head: Type.Object({ seq: Type.Integer(), mac: Type.String() }),
  next_after: Type.Optional(Type.Integer()),
  next_before: Type.Optional(Type.Integer()),
});
export type AuditList = Static<typeof AuditList>;
