/** What is known of an artifact; its bytes are a file of its id. */
export interface Artifact {
  /** `artifact_` and 128 random bits, unpadded base64url. */
  readonly id: string;
  readonly task_id: string;
  /** Key that planned the task. */
  readonly requester: string;
  /** Key that may see it besides approvers: the one that owns the task; null: approvers alone. */
  readonly owner: string | null;
  /** `preview`: shown with the plan, no product of a step. Absent: `result`. */
  readonly purpose?: "result" | "preview";
  readonly step: number;
  readonly media_type: string;
  /** bytes */
  readonly size: number;
  /** A file name for people; untrusted. */
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly created_at: string;
}

export interface ArtifactStore {
  /**
   * Takes it in, and where its requester then has more than `quota` bytes, the oldest of them out.
   * Resolves with the ids of those.
   */
  insert(artifact: Artifact, quota: number): Promise<readonly string[]>;
  get(id: string): Promise<Artifact | undefined>;
  listByTask(taskId: string): Promise<Artifact[]>;
  /** Every id, for finding files that no record names. */
  ids(): Promise<Set<string>>;
}
