import type { Readable } from "node:stream";
import type { Logger } from "pino";
import type { Artifact } from "../artifacts/artifact-store.ts";
import type { Principal } from "../contract/principal.ts";
import type { RequestedBy } from "../contract/task.ts";
import type { Tasks } from "../tasks/tasks.ts";
import type { TaskFeed } from "../tools/task-feed.ts";
import type { ToolList } from "../tools/tool-list.ts";
import type { ToolRunner } from "../tools/tool-runner.ts";

/** Everything the MCP server is handed. */
export interface McpDeps {
  readonly version: string;
  readonly log: Logger;
  readonly list: Pick<ToolList, "of">;
  readonly runner: Pick<ToolRunner, "call" | "finish">;
  readonly tasks: Pick<Tasks, "get" | "cancel" | "surface" | "decideOnSurface">;
  readonly feed: TaskFeed;
  readonly artifacts: {
    find(id: string): Promise<Artifact | undefined>;
    open(artifact: Artifact): Promise<Readable>;
  };
  /** The key as it is at this moment; undefined where it ended. */
  readonly findPrincipal: (keyId: string) => Principal | undefined;
}

/** Who sent a message, as the stages before found out. */
export interface Caller {
  readonly principal: Principal;
  readonly requestedBy?: RequestedBy | undefined;
}

/** One HTTP request to `/mcp`, its body read and its sender known. */
export interface McpCall extends Caller {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: string;
  readonly headers: Headers;
  readonly body: unknown;
  /** Aborts when the client went away. */
  readonly signal: AbortSignal;
  /** Takes a message of a batch from the key's allowance. Throws `rate_limited`. */
  readonly takeAllowance: () => void;
}
