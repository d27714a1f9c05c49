import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditList, AuditRecord } from "../../src/contract/audit.ts";
import type { PlanView, TaskView } from "../../src/contract/task.ts";
import { pathProblem } from "../../src/lib/posix-path.ts";
import { call } from "../support/call.ts";
import { cli, RunningCli, TerminalCli } from "../support/cli.ts";
import { openEvents, type StreamEvent } from "../support/events.ts";
import { execute, planRequest, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

/**
 * I8: strings that break displays, logs and parsers go through plan, confirmation, run, events and
 * audit as they are, as file name, content, title, reason and name of a person; and the command
 * line shows them as inert text.
 */
const CORPUS = resolve(import.meta.dirname, "../../../shared/corpora/naughty-strings.json");
const isPresent = existsSync(CORPUS);
const name = `naughty strings${isPresent ? "" : ` (skipped: no ${CORPUS})`}`;
const AT_ONCE = 8;
const MAX_TITLE = 200;
/** What a terminal acts on or does not show. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const POLICY = {
  capabilities: {
    "fs.read": { enabled: true, allowed_paths: ["/tmp"] },
    "fs.write": { enabled: true, allowed_paths: ["/tmp"] },
    wait: { enabled: true },
  },
  security: { rate_limit_per_minute: 10_000_000 },
};

/** What became of a string. */
interface Passed {
  readonly text: string;
  readonly path: string;
  readonly written: PlanView;
  readonly rejected: PlanView;
}

describe.runIf(isPresent)(name, { timeout: 240_000 }, () => {
  const strings: string[] = isPresent ? JSON.parse(readFileSync(CORPUS, "utf8")) : [];
  /** A field of a request that takes up to `MAX_TITLE` characters, where the string fits. */
  const fitting = (field: string, text: string) =>
    text !== "" && text.length <= MAX_TITLE ? { [field]: text } : {};
  let gateway: Gateway;
  let passed: Passed[];
  let events: readonly StreamEvent[];
  let audit: readonly AuditRecord[];

  beforeAll(async () => {
    gateway = await startGateway({ policy: POLICY });
    passed = await mapAtOnce(strings, pass);
    const last = await planRequest(gateway, { action: "wait", parameters: { duration_ms: 1 } });
    const { approver } = gateway.keys;
    await using stream = await openEvents(gateway, { query: "since=0", credentials: approver });
    await stream.until("task_planned", last.task_id);
    events = stream.seen;
    audit = await readAudit();
  }, 120_000);
  afterAll(() => gateway?.[Symbol.asyncDispose]());

  /** Writes it, under its own name where that is a name, and rejects another task because of it. */
  async function pass(text: string, index: number): Promise<Passed> {
    const path = `/tmp/${index}/${isFileName(text) ? text : "plain"}`;
    const written = await planRequest(gateway, {
      ...fitting("title", text),
      steps: [
        { action: "fs.write", parameters: { path, content: text } },
        { action: "fs.read", parameters: { path } },
      ],
    });
    await decide(written, { decision: "approve", ...fitting("on_behalf_of", text) });
    const { status, error } = await execute(gateway, written.task_id);
    expect(status, `${JSON.stringify(text)}: ${error?.detail}`).toBe("completed");
    const rejected = await planRequest(gateway, { action: "wait", parameters: { duration_ms: 1 } });
    await decide(rejected, { decision: "reject", reason: text });
    return { text, path, written, rejected };
  }

  async function decide({ task_id, plan_digest }: PlanView, decision: object): Promise<void> {
    const body = { task_id, plan_digest, ...decision };
    const answer = await call<TaskView>(gateway, "POST", "/confirm", body, gateway.keys.approver);
    expect(answer.status).toBe(200);
  }

  async function readAudit(): Promise<AuditRecord[]> {
    const records: AuditRecord[] = [];
    for (;;) {
      const target = `/audit?limit=1000&after=${records.at(-1)?.seq ?? 0}`;
      const { approver } = gateway.keys;
      const { body } = await call<AuditList>(gateway, "GET", target, undefined, approver);
      records.push(...body.records);
      if (body.next_after === undefined) return records;
    }
  }

  test("are there, names and controls among them", () => {
    expect(strings.length).toBeGreaterThan(500);
    expect(strings.filter(isFileName).length).toBeGreaterThan(200);
    expect(strings.filter((text) => HIDDEN.test(text)).length).toBeGreaterThan(10);
  });

  test("I8 stand unchanged in the plan and in the task", async () => {
    await mapAtOnce(passed, async ({ text, path, written, rejected }) => {
      const { approver } = gateway.keys;
      const asked = { path, content: text };
      expect(written.parameters).toEqual(asked);
      const views = [
        await task(gateway, written.task_id),
        await task(gateway, written.task_id, approver),
      ];
      for (const view of views) {
        expect(view.steps[0]?.parameters).toMatchObject(asked);
        expect(view).toMatchObject(fitting("title", text));
        expect(view.approvals[0]).toMatchObject(fitting("on_behalf_of", text));
        expect(view.plan_digest).toBe(written.plan_digest);
      }
      expect((await task(gateway, rejected.task_id)).rejection?.reason).toBe(text);
    });
  });

  test("I8 are what stands in the file, under its name, and what is read back", async () => {
    await mapAtOnce(passed, async ({ text, path, written }) => {
      expect(readFileSync(gateway.file(path), "utf8")).toBe(text);
      const { result } = await task(gateway, written.task_id);
      expect(result).toMatchObject({ steps: [{ path }, { content: text }] });
    });
    for (const [index, { path }] of passed.entries()) {
      expect(readdirSync(gateway.file(`/tmp/${index}`))).toEqual([path.split("/").at(-1)]);
    }
  });

  test("I8 stand unchanged in the events", () => {
    const byTask = Map.groupBy(events, ({ task_id }) => task_id);
    for (const { text, path, written, rejected } of passed) {
      const completed = byTask
        .get(written.task_id)
        ?.find(({ event }) => event === "task_completed");
      expect(completed?.result).toMatchObject({ steps: [{ path }, { content: text }] });
      const refused = byTask.get(rejected.task_id)?.find(({ event }) => event === "task_rejected");
      expect(refused?.reason).toBe(text);
    }
  });

  test("I8 stand unchanged in the audit log", () => {
    const byTask = Map.groupBy(audit, ({ task_id }) => task_id);
    for (const { text, path, written, rejected } of passed) {
      const ofWritten = byTask.get(written.task_id) ?? [];
      const confirmed = ofWritten.find(({ type }) => type === "task.confirmed");
      expect(confirmed?.details).toMatchObject(fitting("on_behalf_of", text));
      const started = ofWritten.find(
        ({ type }) => type === "step.started" || type === "task.started",
      );
      const paths = ofWritten.map(
        ({ details }) => (details?.parameters as { path?: unknown })?.path,
      );
      expect(started).toBeDefined();
      // A name over 256 characters stands there as its digest.
      if (path.length <= 256) expect(paths).toContain(path);
      const refused = byTask.get(rejected.task_id)?.find(({ type }) => type === "task.rejected");
      expect(refused?.details?.reason).toBe(text);
    }
  });

  describe("I8 on the command line", () => {
    /** Every string as name and content, in as few plans as possible. */
    async function planAll(): Promise<PlanView[]> {
      const steps = strings.map((text, index) => ({
        action: "fs.write",
        parameters: { path: `/tmp/cli-${index}/${isFileName(text) ? text : "x"}`, content: text },
      }));
      const chunks = Array.from({ length: Math.ceil(steps.length / 100) }, (_, index) =>
        steps.slice(index * 100, (index + 1) * 100),
      );
      return mapAtOnce(chunks, (chunk) => planRequest(gateway, { steps: chunk }));
    }

    test("plans are shown inert, and whole", async () => {
      const plans = await planAll();
      for (const { task_id } of plans) {
        const { exit, stdout, stderr } = await cli(gateway, ["tasks", task_id]);
        expect(exit, stderr).toBe(0);
        expectInert(stdout);
      }
      expect(plans.length).toBeGreaterThan(5);
    });

    test("a terminal is shown the same", async () => {
      for (const text of packed(
        strings.filter((each) => HIDDEN.test(each)),
        4000,
      )) {
        const { task_id } = await planRequest(gateway, {
          action: "fs.write",
          parameters: { path: "/tmp/terminal.txt", content: text },
        });
        const shown = new TerminalCli(gateway, ["tasks", task_id]);
        expect(await shown.exited).toBe(0);
        expect(shown.screen).toContain("⟦U+");
        expectInert(shown.screen.replaceAll("\r\n", "\n"));
      }
    });

    test("titles, reasons and names of people are shown inert", async () => {
      const hidden = strings.filter((text) => HIDDEN.test(text));
      for (const [index, text] of packed(hidden, MAX_TITLE).entries()) {
        const { written, rejected } = await pass(text, strings.length + index);
        for (const { task_id } of [written, rejected]) {
          const { stdout, stderr } = await cli(gateway, ["tasks", task_id]);
          expectInert(stderr);
          // What was read is the file's own bytes, which a pipe gets as they are.
          expectInert(stdout.replace(text, ""));
        }
      }
    });

    test("lists and events are shown inert", async () => {
      const list = await cli(gateway, ["tasks", "--limit", "200"]);
      expectInert(list.stdout);
      const last = await planRequest(gateway, { action: "wait", parameters: { duration_ms: 1 } });
      const watching = new RunningCli(gateway, ["watch", "--since", "0"]);
      while (!watching.stdout.includes(last.task_id)) await once(watching.process.stdout, "data");
      watching.process.kill("SIGINT");
      await watching.exited;
      expectInert(watching.stdout);
      const json = await cli(gateway, ["tasks", "--json", "--limit", "200"]);
      expectInert(json.stdout);
      expect(JSON.parse(json.stdout).tasks).toHaveLength(200);
    });
  });
});

function isFileName(text: string): boolean {
  if (text === "" || text === "." || text === ".." || text.includes("/")) return false;
  return pathProblem(`/tmp/1000/${text}`) === undefined;
}

function expectInert(shown: string): void {
  expect(shown).not.toBe("");
  for (const line of shown.split("\n")) {
    if (HIDDEN.test(line)) throw new Error(`not inert: ${JSON.stringify(line)}`);
  }
}

/** The strings joined to texts of at most `most` characters. */
function packed(texts: readonly string[], most: number): string[] {
  const packs: string[] = [];
  for (const text of texts) {
    const last = packs.at(-1);
    if (text.length > most) continue;
    if (last !== undefined && last.length + text.length <= most)
      packs.push((packs.pop() ?? "") + text);
    else packs.push(text);
  }
  return packs;
}

/** Maps several at a time, keeping the order. */
async function mapAtOnce<Item, Made>(
  items: readonly Item[],
  make: (item: Item, index: number) => Promise<Made>,
): Promise<Made[]> {
  const made: Made[] = [];
  const rest = items.entries();
  const makeRest = async () => {
    for (const [index, item] of rest) made[index] = await make(item, index);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, makeRest));
  return made;
}
