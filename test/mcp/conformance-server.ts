import type { AddressInfo } from "node:net";
import { MissingRequiredClientCapabilityError } from "@modelcontextprotocol/server";
import { pino } from "pino";
import type { Principal } from "../../src/contract/principal.ts";
import { buildServer } from "../../src/http/server.ts";
import { Mcp } from "../../src/mcp/mcp.ts";
import type { SurfaceView } from "../../src/tasks/tasks.ts";
import { TaskFeed } from "../../src/tools/task-feed.ts";
import type { Tool } from "../../src/tools/tool.ts";
import type { ToolOutcome } from "../../src/tools/tool-outcome.ts";
import { createTestDeps, KEYS, TASK, TASK_ID } from "../support/http/test-deps.ts";

const URL_OF_PLAN = `http://localhost:8089/approvals/${TASK_ID}`;

const DONE: ToolOutcome = { kind: "result", taskId: TASK_ID, result: {}, artifacts: [] };
const AWAITING: ToolOutcome = {
  kind: "awaiting",
  taskId: TASK_ID,
  status: "awaiting_confirmation",
  advice: "Ask the person.",
  confirmationUrl: URL_OF_PLAN,
  expiresAt: TASK.expires_at,
};

const SURFACE: SurfaceView = { task: { ...TASK, status: "awaiting_confirmation" } };

/** What the suite wants of a server besides its own tools, by tool. */
const FIXTURES: Readonly<Record<string, (server: FixtureServer) => ToolOutcome>> = {
  test_simple_text: () => DONE,
  test_logging_tool: () => DONE,
  // A question in the middle of a call, as a plan that waits for a person asks it.
  test_streaming_elicitation: () => AWAITING,
  test_missing_capability: () => {
    throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { sampling: {} } });
  },
  test_trigger_tool_change: (server) => {
    server.mcp.toolsChanged();
    return DONE;
  },
};

const TOOLS: readonly Tool[] = Object.keys(FIXTURES).map((name) => ({
  name,
  title: name,
  description: "Made for the conformance suite.",
  parameters: { type: "object", properties: {} },
  annotations: { readOnly: true, destructive: false, idempotent: true, openWorld: false },
}));

/**
 * The gateway's HTTP and MCP over tools that exist for the conformance suite alone, and no desktop.
 * Whoever asks is a key that may be asked in its client: the suite cannot send credentials.
 */
export class FixtureServer implements AsyncDisposable {
  readonly mcp: Mcp;
  readonly #app: ReturnType<typeof buildServer>;

  private constructor() {
    const { deps, store } = createTestDeps();
    this.mcp = new Mcp({
      version: "1.0.0",
      log: pino({ enabled: false }),
      list: { of: () => TOOLS },
      runner: {
        call: async (_principal, name) => this.#call(name),
        finish: async () => AWAITING,
      },
      tasks: {
        get: async () => TASK,
        cancel: async () => TASK,
        surface: async () => SURFACE,
        decideOnSurface: async () => TASK,
      },
      feed: new TaskFeed((listener) => store.onCommitted(listener)),
      artifacts: deps.artifacts,
      findPrincipal: asking,
    });
    this.#app = buildServer({
      ...deps,
      mcp: this.mcp,
      keys: { principal: asking },
      authenticator: {
        precheck: () => {},
        authenticate: async () => {
          const principal = asking("alice");
          return principal && { principal, durable: Promise.resolve() };
        },
      },
    });
    this.#app.server.prependListener("request", (request) => {
      request.headers.authorization = "Bearer alice";
    });
  }

  static async start(): Promise<FixtureServer> {
    const server = new FixtureServer();
    await server.#app.listen({ port: 0, host: "127.0.0.1" });
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#app.server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.mcp.close();
    await this.#app.close();
  }

  #call(name: string): ToolOutcome {
    const fixture = FIXTURES[name];
    if (fixture === undefined) throw new Error(`there is no ${name}`);
    return fixture(this);
  }
}

function asking(keyId: string): Principal | undefined {
  const key = KEYS.get(keyId);
  return key && { ...key, trustedApprovalSurface: true };
}
