import type { ArtifactView } from "../contract/task.ts";

export interface NewArtifact {
  readonly taskId: string;
  /** Key that planned the task: its quota counts. */
  readonly requester: string;
  /** Given where it must be known before the bytes are kept: `artifact_` and 128 random bits. */
  readonly id?: string;
  /** Key that may see it besides approvers; null: approvers alone. */
  readonly owner: string | null;
  readonly purpose: "result" | "preview";
  /** The step that made it, from 0. */
  readonly step: number;
  readonly name: string;
  readonly mediaType: string;
  readonly content: Uint8Array | AsyncIterable<Uint8Array>;
  /** bytes; more is `file_too_large`. */
  readonly maxSize: number;
  /** Bytes that the requester's artifacts may take; the oldest go first. */
  readonly quota: number;
}

/** Keeps what steps produce beside their results. */
export interface ArtifactKeeper {
  /** Resolves with the id once the bytes are safe. */
  keep(artifact: NewArtifact): Promise<string>;
  /** Whether it is still kept. */
  has(id: string): Promise<boolean>;
  /** What the steps of a task left behind, without the previews of its plan. */
  list(taskId: string): Promise<ArtifactView[]>;
}
