import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AuditList, AuditRecord } from "../../src/contract/audit.ts";
import type { TaskList } from "../../src/contract/requests.ts";
import type { TaskView } from "../../src/contract/task.ts";
import { call } from "../support/call.ts";
import { planRequest } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

/** A plan that waits for a person. */
export interface Target {
  readonly task_id: string;
  readonly plan_digest: string;
  readonly owner: string;
  readonly kind: Kind;
}

const PATHS = { enabled: true, allowed_paths: ["/tmp"] };
const REQUESTER = { scheme: "bearer", scopes: ["plan", "execute", "read"] } as const;

/** Every action; some of low risk run without a person, so that calls also do something. */
const CAPABILITIES = {
  "fs.read": { ...PATHS, risk_level: "low", confirmation: "client" },
  "fs.list": { ...PATHS, risk_level: "low", confirmation: "approver" },
  "fs.write": { ...PATHS, risk_level: "medium" },
  "fs.edit": { ...PATHS, risk_level: "high" },
  "browser.open": { enabled: true, allowed_domains: ["example.com"] },
  "app.open": { enabled: true, allowed_apps: ["viewer"] },
  "screen.capture": { enabled: true, risk_level: "low", confirmation: "none" },
  "screen.cursor": { enabled: true, risk_level: "low", confirmation: "client" },
  "mouse.move": { enabled: true },
  "mouse.click": { enabled: true },
  "mouse.press": { enabled: true },
  "mouse.drag": { enabled: true },
  "mouse.trace": { enabled: true },
  "mouse.scroll": { enabled: true },
  "keyboard.type": { enabled: true },
  "keyboard.paste": { enabled: true },
  "keyboard.chord": { enabled: true },
  "keyboard.press": { enabled: true },
  wait: { enabled: true, risk_level: "medium", approvals: 2 },
  "shell.run": { enabled: true, risk_level: "high", allowed_commands: ["ls"] },
  "agent.task": { enabled: true, risk_level: "high" },
};

/** Keys that may plan; none of them may confirm. */
export const REQUESTERS = ["default", "api", "trusted", "files", "here", "elsewhere"] as const;
/** Those of them that may plan what `TARGETS` has. */
const OWNERS = ["default", "api", "trusted", "files", "here"] as const;

export function startWorld(): Promise<Gateway> {
  return startGateway({
    policy: {
      capabilities: CAPABILITIES,
      security: { rate_limit_per_minute: 10_000_000, max_artifacts_mb: 10_000 },
    },
    clients: [
      { id: "trusted", ...REQUESTER, trusted_approval_surface: true },
      {
        id: "files",
        ...REQUESTER,
        capabilities: ["fs.read", "fs.list", "fs.write", "fs.edit", "wait"],
      },
      { id: "here", ...REQUESTER, scheme: "hmac", desktops: ["embedded"] },
      { id: "elsewhere", ...REQUESTER, desktops: ["attic"] },
    ],
    config: {
      "desktop.json": {
        screen: { width: 320, height: 240 },
        applications: { viewer: ["/usr/bin/true"] },
      },
    },
  });
}

type Kind = "low" | "medium" | "high" | "two approvers";

/** The medium one and that for two stay planned; the others wait, executed already. */
const TARGETS: readonly { kind: Kind; executed: boolean; step: (n: number) => object }[] = [
  {
    kind: "low",
    executed: true,
    step: () => ({ action: "fs.list", parameters: { path: "/tmp" } }),
  },
  {
    kind: "medium",
    executed: false,
    step: (n) => ({
      action: "fs.write",
      parameters: { path: `/tmp/never-${n}.txt`, content: "x" },
    }),
  },
  {
    kind: "high",
    executed: true,
    step: () => ({
      action: "fs.edit",
      parameters: { path: "/tmp/a.txt", old_text: "old", new_text: "new" },
    }),
  },
  {
    kind: "two approvers",
    executed: false,
    step: () => ({ action: "wait", parameters: { duration_ms: 1 } }),
  },
];

/** The waiting plans, and what the record says became of every plan since. */
export class World {
  readonly gateway: Gateway;
  readonly #targets = new Map<string, Target>();
  readonly #planned = new Map<string, { owner: string | null; mode: unknown }>();
  #files: readonly string[] = [];
  #seen = 0;
  #count = 0;

  constructor(gateway: Gateway) {
    this.gateway = gateway;
    writeFileSync(gateway.file("/tmp/a.txt"), "old");
  }

  /** Plans what is not there any more; what waits is found waiting. */
  async fill(): Promise<void> {
    for (const owner of OWNERS) {
      for (const { kind, executed, step } of TARGETS) {
        if (this.#targets.has(`${owner} ${kind}`)) continue;
        const key = this.gateway.keys[owner];
        const { task_id, plan_digest } = await planRequest(this.gateway, step(this.#count++), key);
        if (executed) await call(this.gateway, "POST", "/execute", { task_id }, key);
        this.#targets.set(`${owner} ${kind}`, { task_id, plan_digest, owner, kind });
      }
    }
    if (this.#files.length === 0) this.#files = this.#look();
  }

  /** Every plan of this key's own that waits, and as many of another's. */
  targetsOf(key: string): readonly Target[] {
    const other = key === "default" ? "api" : "default";
    return [...this.#targets.values()].filter(({ owner }) => owner === key || owner === other);
  }

  /** What the record since the last look has that only a person may do; plans anew what was cancelled. */
  async check(): Promise<readonly string[]> {
    const records = await this.#records();
    const odd = records.flatMap((record) => {
      const problem = this.#problemWith(record);
      return problem === undefined ? [] : [`${problem}: ${JSON.stringify(record)}`];
    });
    for (const [name, { task_id }] of this.#targets) {
      const ended = records.some((record) => record.task_id === task_id && ENDS.has(record.type));
      if (ended) this.#targets.delete(name);
    }
    await this.fill();
    return odd;
  }

  /** Of every task there is: those that moved on without a person who should have decided. */
  async moved(): Promise<readonly TaskView[]> {
    const moved: TaskView[] = [];
    let cursor: string | undefined = "";
    for (let query = ""; cursor !== undefined; query = `&cursor=${cursor}`) {
      const target = `/tasks?limit=200${query}`;
      const { body } = await this.#asApprover<TaskList>(target);
      moved.push(...body.tasks.filter(hasMoved));
      cursor = body.next_cursor;
    }
    return moved;
  }

  /** Files of the desktop that are there or changed since the first look. */
  changedFiles(): readonly string[] {
    return this.#look().filter((file) => !this.#files.includes(file));
  }

  #problemWith({ type, key_id, task_id = "", details }: AuditRecord): string | undefined {
    if (type === "task.planned") this.#planned.set(task_id, { owner: key_id, mode: details?.mode });
    if (PERSONS.has(type)) return "only a person may";
    const plan = this.#planned.get(task_id);
    if (type === "task.cancelled" && key_id !== plan?.owner) return "another's";
    return STARTS.has(type) && plan?.mode === "approver" ? "nobody approved it" : undefined;
  }

  async #records(): Promise<readonly AuditRecord[]> {
    const records: AuditRecord[] = [];
    for (;;) {
      const { body } = await this.#asApprover<AuditList>(`/audit?limit=1000&after=${this.#seen}`);
      records.push(...body.records);
      this.#seen = body.records.at(-1)?.seq ?? this.#seen;
      if (body.next_after === undefined) return records;
    }
  }

  #asApprover<Body>(target: string) {
    return call<Body>(this.gateway, "GET", target, undefined, this.gateway.keys.approver);
  }

  #look(): readonly string[] {
    const root = this.gateway.file("/tmp");
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((file) => `${file} ${readFileSync(file, "base64")}`);
  }
}

const PERSONS: ReadonlySet<string> = new Set([
  "task.confirmed",
  "task.rejected",
  "gateway.stopped",
  "gateway.resumed",
  "policy.reloaded",
]);
const STARTS: ReadonlySet<string> = new Set(["task.queued", "task.started", "step.started"]);
const ENDS: ReadonlySet<string> = new Set([...PERSONS, ...STARTS, "task.cancelled"]);
const STILL: ReadonlySet<string> = new Set(["planned", "awaiting_confirmation", "cancelled"]);

function hasMoved({ approvals, confirmation, status }: TaskView): boolean {
  return approvals.length > 0 || (confirmation.mode === "approver" && !STILL.has(status));
}
