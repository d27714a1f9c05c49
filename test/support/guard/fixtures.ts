import { pino } from "pino";
import { DEFAULT_POLICY } from "../../../src/capabilities/default-policy.ts";
import { capabilities } from "../../../src/capabilities/registry.ts";
import type { GatewayError } from "../../../src/contract/errors.ts";
import type { EnvelopeFile, PolicyFile } from "../../../src/contract/policy.ts";
import type { Principal } from "../../../src/contract/principal.ts";
import { type Guard, type GuardOptions, openGuard } from "../../../src/guard/guard.ts";
import { buildPolicy } from "../../../src/policy/build-policy.ts";
import { applyEnvelopeDefaults } from "../../../src/policy/envelope-defaults.ts";
import type {
  ApprovedFile,
  DaemonAnswer,
  DaemonRequest,
  GuardedRun,
} from "../../../src/tasks/agent-guard.ts";
import type { StepIo } from "../../../src/tasks/driver.ts";

export const KEY = "k".repeat(32);
export const DESKTOP = "main";
/** 1×1. */
export const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

export type Recorded = Parameters<StepIo["record"]>[0];

/** A guard with one run on it, and a daemon that notes what reaches it. */
export class TestGuard implements AsyncDisposable {
  readonly sent: DaemonRequest[] = [];
  readonly records: Recorded[] = [];
  readonly task = new AbortController();
  readonly guard: Guard;
  policy: PolicyFile;
  principal: Principal | undefined = REQUESTER;
  agentDenial: string | undefined;
  fileDenial: string | undefined;
  denial: GatewayError | undefined;
  nowMs = 0;
  /** What the daemon does with a request; undefined: its usual answer. */
  daemon: (
    request: DaemonRequest,
    signal: AbortSignal,
  ) => Promise<DaemonAnswer> | DaemonAnswer | undefined = () => undefined;
  record: (entry: Recorded) => Promise<void> = async () => undefined;

  readonly options: GuardOptions;
  readonly #files = new Map<unknown, unknown>();

  private constructor(guard: Guard, policy: PolicyFile, options: GuardOptions) {
    this.guard = guard;
    this.policy = policy;
    this.options = options;
  }

  static async open(policy: PolicyFile = OPEN_POLICY): Promise<TestGuard> {
    const own: { test?: TestGuard } = {};
    const options: GuardOptions = {
      host: "127.0.0.1",
      port: 0,
      key: KEY,
      capabilities,
      policy: () =>
        buildPolicy(own.test?.policy ?? policy, {
          actions: [...capabilities.keys()],
          protectedHosts: [],
        }),
      findPrincipal: () => own.test?.principal,
      maxFileSize: 2 * 1024 * 1024,
      log: pino({ level: "silent" }),
      now: () => own.test?.nowMs ?? 0,
    };
    own.test = new TestGuard(await openGuard(options), policy, options);
    return own.test;
  }

  begin(
    envelope: EnvelopeFile = {},
    desktop = DESKTOP,
    files: readonly ApprovedFile[] = [],
  ): ReturnType<Guard["begin"]> {
    return this.guard.begin({ ...this.run(envelope, desktop), files });
  }

  run(envelope: EnvelopeFile, desktop: string): GuardedRun {
    return {
      desktop,
      envelope: applyEnvelopeDefaults(envelope, undefined),
      files: [],
      io: this.#io(),
      findAgentDenial: async () => this.agentDenial,
      findFileDenial: async () => this.fileDenial,
      forward: async (request, signal) => {
        this.sent.push(request);
        return (await this.daemon(request, signal)) ?? this.#usualAnswer(request);
      },
    };
  }

  /** What ByteBot's agent sees: an answer, or a connection that breaks. */
  async act(body: unknown, options: ActOptions = {}): Promise<DaemonAnswer | "dropped"> {
    const path = options.path ?? `/${KEY}/${DESKTOP}/computer-use`;
    try {
      const answer = await fetch(`${this.guard.url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...options.headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
        ...(options.signal && { signal: options.signal }),
      });
      const text = await answer.text();
      return { status: answer.status, ...(text !== "" && { body: JSON.parse(text) }) };
    } catch {
      return "dropped";
    }
  }

  /** Types and details of the audit records, in order. */
  audit(): Record<string, unknown>[] {
    return this.records.flatMap(({ audit }) =>
      audit === undefined ? [] : [{ type: audit.type, ...audit.details }],
    );
  }

  /** Messages of the events, in order. */
  messages(): string[] {
    return this.records.flatMap(({ event }) => (event === undefined ? [] : [event.message]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.guard[Symbol.asyncDispose]();
  }

  #usualAnswer({ action, path, data }: DaemonRequest): DaemonAnswer {
    if (action === "write_file") this.#files.set(path, data);
    const file = action === "read_file" ? this.#files.get(path) : undefined;
    const body = { ...BODIES[action], ...(file !== undefined && { data: file }) };
    return { status: 201, ...(action in BODIES && { body }) };
  }

  #io(): StepIo {
    return {
      taskId: "task_1",
      requester: "default",
      signal: this.task.signal,
      maxFileSize: 0,
      targetCheck: { enabled: false, tolerance: 0, radius_px: 8 },
      progress: () => undefined,
      findDenial: () => this.denial,
      onInstruction: () => undefined,
      keepArtifact: async () => "artifact_1",
      record: async (entry) => {
        await this.record(entry);
        this.records.push(entry);
      },
    };
  }
}

export interface ActOptions {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

const REQUESTER: Principal = {
  keyId: "default",
  scheme: "hmac",
  scopes: new Set(["plan", "execute", "read"]),
  capabilities: null,
  desktops: null,
  trustedApprovalSurface: false,
};

export const OPEN_POLICY: PolicyFile = {
  ...DEFAULT_POLICY,
  capabilities: { ...DEFAULT_POLICY.capabilities, "agent.task": { enabled: true } },
};

const BODIES: Readonly<Record<string, object>> = {
  screenshot: { image: PNG },
  cursor_position: { x: 150, y: 160 },
  read_file: { success: true, data: "aGk=", name: "a.txt", size: 2, mediaType: "text/plain" },
  write_file: { success: true, message: "written" },
};
