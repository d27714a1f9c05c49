/** A plan as it was recorded, with what is needed to decide on it anew. */
export interface RecordedPlan {
  readonly seq: number;
  readonly task_id: string;
  readonly requester: string;
  readonly created_at: string;
  /** The canonical plan; undefined where it is too large to be looked at. */
  readonly plan?: string;
  readonly digest: string;
  /** Of each step, in order. */
  readonly steps: readonly { readonly summary: string; readonly reasons: readonly string[] }[];
}

export interface RecordedPlans {
  /** The newest before this seq, newest first. */
  read(before: number, limit: number): Promise<RecordedPlan[]>;
}
