import type { Artifact, ArtifactStore } from "../../artifacts/artifact-store.ts";
import { GatewayError } from "../../contract/errors.ts";
import type { Connection } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { TaskIndex } from "./task-index.ts";

const INSERT = "INSERT INTO artifacts (id, task, body, requester, size) VALUES (?, ?, ?, ?, ?)";
const USAGE = "SELECT bytes FROM artifact_usage WHERE requester = ?";
const REMOVE_OLDEST =
  "DELETE FROM artifacts WHERE place = (SELECT place FROM artifacts WHERE requester = ? AND id <> ? ORDER BY place LIMIT 1) RETURNING id";
const GET = "SELECT body FROM artifacts WHERE id = ?";
const LIST = "SELECT body FROM artifacts WHERE task = ? ORDER BY place";
const IDS = "SELECT id FROM artifacts";

export class SqliteArtifactStore implements ArtifactStore {
  readonly #group: GroupCommit;
  readonly #reader: Connection;
  readonly #index: TaskIndex;

  constructor(group: GroupCommit, reader: Connection, index: TaskIndex) {
    this.#group = group;
    this.#reader = reader;
    this.#index = index;
  }

  insert(artifact: Artifact, quota: number): Promise<readonly string[]> {
    return this.#group.write((connection) => {
      const task = this.#index.find(connection, artifact.task_id);
      if (task === undefined) {
        throw new GatewayError("task_not_found", `There is no task ${artifact.task_id}.`);
      }
      const { id, requester, size } = artifact;
      connection.run(INSERT, id, task, JSON.stringify(artifact), requester, size);
      const removed: string[] = [];
      while ((connection.get<{ bytes: number }>(USAGE, requester)?.bytes ?? 0) > quota) {
        const oldest = connection.get<{ id: string }>(REMOVE_OLDEST, requester, id);
        if (oldest === undefined) break;
        removed.push(oldest.id);
      }
      return removed;
    });
  }

  async get(id: string): Promise<Artifact | undefined> {
    const row = this.#reader.get<{ body: string }>(GET, id);
    return row === undefined ? undefined : (JSON.parse(row.body) as Artifact);
  }

  async listByTask(taskId: string): Promise<Artifact[]> {
    const task = this.#index.find(this.#reader, taskId);
    if (task === undefined) return [];
    return this.#reader
      .all<{ body: string }>(LIST, task)
      .map((row) => JSON.parse(row.body) as Artifact);
  }

  async ids(): Promise<Set<string>> {
    return new Set(this.#reader.all<{ id: string }>(IDS).map((row) => row.id));
  }
}
