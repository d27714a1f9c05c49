import type { Readable } from "node:stream";
import type { ArtifactView } from "../contract/task.ts";
import type { ArtifactFiles } from "./artifact-files.ts";
import type { Artifact, ArtifactStore } from "./artifact-store.ts";

/** Artifacts whole: the record in the store and the bytes in their file. */
export class Artifacts {
  readonly #store: ArtifactStore;
  readonly #files: ArtifactFiles;

  constructor(store: ArtifactStore, files: ArtifactFiles) {
    this.#store = store;
    this.#files = files;
  }

  /** Resolves with the id once bytes and record are safe. Throws `file_too_large`. */
  async keep(artifact: {
    readonly taskId: string;
    readonly requester: string;
    readonly id?: string;
    readonly owner: string | null;
    readonly purpose: "result" | "preview";
    readonly step: number;
    readonly name: string;
    readonly mediaType: string;
    readonly content: Uint8Array | AsyncIterable<Uint8Array>;
    /** bytes */
    readonly maxSize: number;
    /** bytes */
    readonly quota: number;
  }): Promise<string> {
    const { id, size } = await this.#files.write(artifact.content, artifact.maxSize, artifact.id);
    const kept = {
      id,
      size,
      task_id: artifact.taskId,
      requester: artifact.requester,
      owner: artifact.owner,
      purpose: artifact.purpose,
      step: artifact.step,
      name: artifact.name,
      media_type: artifact.mediaType,
      created_at: new Date().toISOString(),
    };
    await this.#files.remove(await this.#store.insert(kept, artifact.quota));
    return id;
  }

  async list(taskId: string): Promise<ArtifactView[]> {
    const artifacts = await this.#store.listByTask(taskId);
    const results = artifacts.filter(({ purpose }) => purpose !== "preview");
    return results.map(({ id, media_type, size, name, step }) => ({
      id,
      url: `/artifacts/${id}`,
      media_type,
      size,
      name,
      step,
    }));
  }

  async has(id: string): Promise<boolean> {
    return (await this.#store.get(id)) !== undefined;
  }

  find(id: string): Promise<Artifact | undefined> {
    return this.#store.get(id);
  }

  /** Rejects with `artifact_not_found` where the bytes are gone. */
  async open(artifact: Artifact): Promise<Readable> {
    return (await this.#files.open(artifact.id)).stream;
  }

  /** Removes files that no record names: left by a crash between the two. */
  async sweep(): Promise<void> {
    await this.#files.sweep(await this.#store.ids());
  }

  async remove(ids: readonly string[]): Promise<void> {
    await this.#files.remove(ids);
  }
}
