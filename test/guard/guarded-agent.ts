import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import type { AuditList, AuditRecord } from "../../src/contract/audit.ts";
import type { TaskView } from "../../src/contract/task.ts";
import { type Agent, startAgent } from "../bytebot/agent.ts";
import type { AgentStep, ToolResult } from "../bytebot/agent-types.ts";
import { type Daemon, startDaemon } from "../bytebot/daemon.ts";
import { call } from "../support/call.ts";
import { approve, execute, plan, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

const root = join(import.meta.dirname, "../..");

/** What a plan asks for beyond its description. */
export type AskedEnvelope = Readonly<Record<string, unknown>>;

/** The widest envelope of the tests' policy. */
export const WIDEST = {
  actions: [
    ..."screen.capture screen.cursor mouse.move mouse.click mouse.press mouse.drag".split(" "),
    ..."mouse.trace mouse.scroll keyboard.type keyboard.paste keyboard.chord".split(" "),
    ..."keyboard.press wait app.open fs.read fs.write".split(" "),
  ],
  applications: ["firefox", "directory"],
  paths: ["/home/user", "/tmp"],
  max_actions: 1000,
  max_duration_s: 200,
};

/** A gateway that guards a stand-in of ByteBot's agent before a stand-in of its desktop. */
export class GuardedAgent implements AsyncDisposable {
  readonly daemon: Daemon;
  readonly agent: Agent;
  readonly gateway: Gateway;
  /** Of the guard, with its key, without the desktop. */
  readonly guardUrl: string;
  readonly #scripts = new Map<string, readonly AgentStep[]>();

  private constructor(daemon: Daemon, agent: Agent, gateway: Gateway, guardUrl: string) {
    this.daemon = daemon;
    this.agent = agent;
    this.gateway = gateway;
    this.guardUrl = guardUrl;
    agent.script = ({ description }) => this.#scripts.get(description) ?? [];
  }

  static async start(): Promise<GuardedAgent> {
    await using starting = new AsyncDisposableStack();
    const daemon = starting.use(await startDaemon());
    const port = await freePort();
    const key = randomBytes(32).toString("base64url");
    const guardUrl = `http://127.0.0.1:${port}/${key}`;
    const agent = starting.use(await startAgent({ desktopBaseUrl: `${guardUrl}/bytebot` }));
    const gateway = starting.use(
      await startGateway({
        policy: policyWith(WIDEST),
        env: {
          DRIVER: "bytebot",
          BYTEBOT_URL: daemon.url,
          BYTEBOT_API_KEY: "none",
          BYTEBOT_AGENT_URL: agent.url,
          GUARD_HOST: "127.0.0.1",
          GUARD_PORT: String(port),
          GUARD_KEY: key,
        },
      }),
    );
    starting.move();
    return new GuardedAgent(daemon, agent, gateway, guardUrl);
  }

  /** What the agent does with a task of this description. */
  prepare(description: string, steps: readonly AgentStep[]): void {
    this.#scripts.set(description, steps);
  }

  /** Plans, approves and executes a task; resolves once the agent runs it. */
  async begin(steps: readonly AgentStep[], envelope: AskedEnvelope = {}): Promise<StartedTask> {
    const description = `task ${this.#scripts.size + 1}`;
    this.prepare(description, steps);
    const planned = await plan(this.gateway, "agent.task", { description, envelope });
    await approve(this.gateway, planned);
    const ended = execute(this.gateway, planned.task_id);
    ended.catch(() => undefined);
    const agentTask = await this.agent.waitFor(({ tasks }) =>
      tasks.find((one) => one.description === description && one.status !== "PENDING"),
    );
    return {
      id: planned.task_id,
      agentTaskId: agentTask.id,
      finished: async () => {
        // A task that is cancelled meanwhile is told of with 409.
        await ended.catch(() => undefined);
        return task(this.gateway, planned.task_id);
      },
    };
  }

  /** What the agent's model is told of its actions on the desktop, in order. */
  results(agentTaskId: string): ToolResult[] {
    const blocks = this.agent.messagesOf(agentTaskId).flatMap(({ content }) => content);
    const uses = new Set(
      blocks.flatMap((block) =>
        block.type === "tool_use" && block.name.startsWith("computer_") ? [block.id] : [],
      ),
    );
    return blocks
      .filter((block) => block.type === "tool_result")
      .filter(({ tool_use_id }) => uses.has(tool_use_id));
  }

  /** What the audit log has of a task's agent. */
  async audit(taskId: string): Promise<AuditRecord[]> {
    const { approver } = this.gateway.keys;
    const target = `/audit?limit=1000&task_id=${taskId}`;
    const { body } = await call<AuditList>(this.gateway, "GET", target, undefined, approver);
    return body.records.filter(({ type }) => type.startsWith("agent."));
  }

  /** Whether anything but a look at the screen reached the desktop. */
  acted(): string[] {
    const looks = new Set(["screenshot", "cursor_position"]);
    return this.daemon.requests.map(({ action }) => String(action)).filter((a) => !looks.has(a));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]();
    await this.agent[Symbol.asyncDispose]();
    await this.daemon[Symbol.asyncDispose]();
  }
}

export interface StartedTask {
  /** Of the gateway. */
  readonly id: string;
  readonly agentTaskId: string;
  finished(): Promise<TaskView>;
}

function policyWith(envelope: AskedEnvelope): unknown {
  const policy = JSON.parse(readFileSync(join(root, "config/policy.json"), "utf8"));
  policy.capabilities["agent.task"] = { enabled: true, risk_level: "high", envelope };
  return policy;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
