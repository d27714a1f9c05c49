import { sha256 } from "../lib/canonical.ts";
import type { ApprovedFile } from "../tasks/agent-guard.ts";
import type { AgentAction } from "./translate.ts";

/** The files that were approved with a task, each until the agent has written it. */
export class ApprovedFiles {
  readonly #left: Map<string, string>;

  constructor(files: readonly ApprovedFile[]) {
    this.#left = new Map(files.map(({ path, sha256 }) => [path, sha256]));
  }

  /** How many are still to come. */
  get size(): number {
    return this.#left.size;
  }

  /** Whether the action writes one of them, byte for byte. */
  has({ capability, parameters }: AgentAction): boolean {
    const { path, content } = parameters;
    if (capability.action !== "fs.write" || typeof path !== "string") return false;
    if (typeof content !== "string") return false;
    return this.#left.get(path) === sha256(Buffer.from(content, "base64"));
  }

  /** It leaves now, and no second time. */
  take({ parameters }: AgentAction): void {
    this.#left.delete(String(parameters.path));
  }
}
