import type { ArtifactView } from "../contract/task.ts";

export interface NewArtifact {
  readonly taskId: string;
  readonly owner: string;
  /** The step that made it, from 0. */
  readonly step: number;
  readonly name: string;
  readonly mediaType: string;
  readonly content: Uint8Array | AsyncIterable<Uint8Array>;
  /** bytes; more is `file_too_large`. */
  readonly maxSize: number;
}

/** Keeps what steps produce beside their results. */
export interface ArtifactKeeper {
  /** Resolves with the id once the bytes are safe. */
  keep(artifact: NewArtifact): Promise<string>;
  list(taskId: string): Promise<ArtifactView[]>;
}
