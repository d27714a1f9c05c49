import { sha256 } from "../lib/canonical.ts";
import type { ApprovedFile } from "../tasks/agent-guard.ts";
import type { AgentAction } from "./translate.ts";

/** The files that were approved with a task, each until the agent has written it. */
export class ApprovedFiles {
  readonly #left: Map<string, string>;
  readonly #taken = new Map<string, string>();

  constructor(files: readonly ApprovedFile[]) {
    this.#left = new Map(files.map(({ path, sha256 }) => [path, sha256]));
  }

  /** How many are still to come. */
  get size(): number {
    return this.#left.size;
  }

  /** Whether the action writes one of them, byte for byte. */
  has(action: AgentAction): boolean {
    return isAmong(this.#left, action);
  }

  /** ByteBot writes them anew each time it takes its task up again, over what became of them. */
  wasTaken(action: AgentAction): boolean {
    return isAmong(this.#taken, action);
  }

  /** It leaves now, and no second time. */
  take({ parameters }: AgentAction): void {
    const path = String(parameters.path);
    const digest = this.#left.get(path);
    if (digest !== undefined) this.#taken.set(path, digest);
    this.#left.delete(path);
  }
}

function isAmong(files: ReadonlyMap<string, string>, action: AgentAction): boolean {
  const { path, content } = action.parameters;
  if (action.capability.action !== "fs.write" || typeof path !== "string") return false;
  if (typeof content !== "string") return false;
  return files.get(path) === sha256(Buffer.from(content, "base64"));
}
