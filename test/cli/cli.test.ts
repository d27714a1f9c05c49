import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PlanView, TaskView } from "../../src/contract/task.ts";
import { cli, RunningCli } from "../support/cli.ts";
import { plan, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

const POLICY = {
  capabilities: {
    "fs.read": { enabled: true, risk_level: "low", allowed_paths: ["/tmp"] },
    "fs.list": { enabled: true, risk_level: "low", allowed_paths: ["/tmp"] },
    "fs.write": { enabled: true, risk_level: "medium", allowed_paths: ["/tmp"] },
    wait: { enabled: true, risk_level: "low" },
  },
};

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ policy: POLICY });
  writeFileSync(gateway.file("/tmp/a.txt"), "Grüße\n\u001b[31mred");
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const approver = () => ({ env: { APPROVER_SECRET: gateway.keys.approver.secret } });

function json<Value>(text: string): Value {
  return JSON.parse(text);
}

describe("help", () => {
  test("keeps its lines within 80 columns, for every command", async () => {
    const { stdout: help } = await cli(gateway, ["--help"]);
    const names = [...help.matchAll(/^ {2}([a-z][a-z-]*) /gm)].map(([, name = ""]) => [name]);
    expect(names.length).toBeGreaterThan(20);
    const commands = [
      [],
      ...names,
      ["policy", "check"],
      ["policy", "explain"],
      ["audit", "verify"],
      ["people", "link"],
    ];
    for (const words of commands) {
      const { stdout, exit } = await cli(gateway, [...words, "--help"]);
      expect(exit).toBe(0);
      expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    }
  });

  test("is called what the program was called", async () => {
    const { stdout } = await cli(gateway, ["run", "--help"], {
      env: { GATEWAY_COMMAND: "./gateway" },
    });
    expect(stdout).toMatch(/^Usage: \.\/gateway run /);
    expect(stdout).toContain("  ./gateway run fs.list path=/tmp\n");
    const npx = await cli(gateway, ["run", "--help"], { env: { npm_lifecycle_event: "npx" } });
    expect(npx.stdout).toMatch(/^Usage: npx bytebot-gateway run /);
  });

  test.each(["shop", "stp", "stopp", "sto"])("%s is no reason to propose stop", async (word) => {
    const { stderr, exit } = await cli(gateway, [word]);
    expect(stderr).toContain(`unknown command '${word}'`);
    expect(stderr).not.toMatch(/stop\?|stop,|, stop/);
    expect(exit).toBe(2);
  });

  test("proposes what else was meant", async () => {
    expect((await cli(gateway, ["aprove"])).stderr).toContain("(Did you mean approve?)");
  });
});

describe("run", () => {
  test("gives a pipe the file's own bytes and keeps everything else off stdout", async () => {
    const { exit, stdout, stderr } = await cli(gateway, [
      "run",
      "--yes",
      "fs.read",
      "path=/tmp/a.txt",
    ]);
    expect(stdout).toBe("Grüße\n\u001b[31mred");
    expect(stderr).toContain("completed");
    expect(exit).toBe(0);
  });

  test("with --json prints the finished task and nothing else", async () => {
    const words = ["run", "--json", "--yes", "fs.list", "path=/tmp"];
    const { exit, stdout, stderr } = await cli(gateway, words);
    const finished = json<TaskView>(stdout);
    expect(finished.status).toBe("completed");
    expect(JSON.stringify(finished.result)).toContain("a.txt");
    expect(stderr).toBe("");
    expect(exit).toBe(0);
  });

  test("ends with 1 where the task fails, saying why", async () => {
    const { exit, stderr } = await cli(gateway, ["run", "--yes", "fs.read", "path=/tmp/none"]);
    expect(stderr).toContain("file_not_found");
    expect(exit).toBe(1);
  });

  test("suggests commands as it was called: by its name, or as the clone's script", async () => {
    const words = ["plan", "fs.list", "path=/tmp"];
    expect((await cli(gateway, words)).stderr).toContain("Start it: bytebot-gateway execute task_");
    const script = { env: { GATEWAY_COMMAND: "./gateway" } };
    expect((await cli(gateway, words, script)).stderr).toContain(
      "Start it: ./gateway execute task_",
    );
    const long = ["run", "--yes", "--timeout", "1", "wait", "duration_ms=60000"];
    const { stderr } = await cli(gateway, long, script);
    const cancel = stderr.match(/Cancel it: \.\/gateway (cancel) (task_\S+)/);
    expect((await cli(gateway, cancel?.slice(1) ?? [])).exit).toBe(0);
  });

  test("without a terminal and --yes runs nothing and leaves nothing planned", async () => {
    const words = ["run", "--json", "fs.read", "path=/tmp/a.txt"];
    const { exit, stderr } = await cli(gateway, words, { input: "yes\n" });
    expect(json(stderr)).toMatchObject({ error: { code: "rejected", exit: 5 } });
    expect(exit).toBe(5);
    const list = json<{ tasks: TaskView[] }>(
      (await cli(gateway, ["tasks", "--json", "--limit", "1"])).stdout,
    );
    expect(list.tasks[0]?.status).toBe("cancelled");
  });

  test("I11 a pipe never approves, whatever it says and whatever secrets are there", async () => {
    const words = ["run", "fs.write", "path=/tmp/piped.txt", "content=x"];
    const { exit } = await cli(gateway, words, { ...approver(), input: "yes\nyes\n" });
    expect(exit).toBe(5);
    const planned = await plan(gateway, "fs.write", { path: "/tmp/piped.txt", content: "x" });
    const answer = await cli(gateway, ["approve", planned.task_id], {
      ...approver(),
      input: "yes\n",
    });
    expect(answer.exit).toBe(5);
    expect((await task(gateway, planned.task_id)).approvals).toEqual([]);
  });

  test("takes several steps from a file", async () => {
    const steps = [
      { action: "wait", parameters: { duration_ms: 1 } },
      { action: "fs.read", parameters: { path: "/tmp/a.txt" } },
    ];
    const words = ["run", "--json", "--yes", "--file", "-"];
    const { stdout } = await cli(gateway, words, {
      input: JSON.stringify({ title: "two", steps }),
    });
    const finished = json<TaskView>(stdout);
    expect(finished.title).toBe("two");
    expect(finished.result?.steps).toHaveLength(2);
  });

  test("Ctrl-C ends the wait and the task goes on", async () => {
    const planned = await plan(gateway, "wait", { duration_ms: 30_000 });
    const waiting = new RunningCli(gateway, ["execute", "--wait", planned.task_id]);
    await waiting.says("started");
    waiting.process.kill("SIGINT");
    expect(await waiting.exited).toBe(130);
    expect(waiting.stderr).toContain(`bytebot-gateway cancel ${planned.task_id}`);
    expect((await task(gateway, planned.task_id)).status).toBe("running");
    expect((await cli(gateway, ["cancel", planned.task_id])).exit).toBe(0);
    expect((await cli(gateway, ["execute", planned.task_id])).exit).toBe(8);
  });
});

describe("exit codes and errors", () => {
  test.each([
    [["plan", "fs.read", "path=/etc/passwd"], 4, "path_not_allowed"],
    [["plan", "fs.read", "pth=/tmp/a"], 2, "usage"],
    [["plan", "fs.raed", "path=/tmp/a"], 4, "denied"],
    [["tasks", "task_AAAAAAAAAAAAAAAAAAAAAA"], 1, "task_not_found"],
    [["tasks", "--url", "http://127.0.0.1:1"], 3, "unreachable"],
    [["approve", "task_AAAAAAAAAAAAAAAAAAAAAA"], 7, "unauthorised"],
  ])("%j", async (words, exit, code) => {
    const result = await cli(gateway, ["--json", ...words]);
    expect(json(result.stderr)).toMatchObject({ error: { code, exit } });
    expect(result.stdout).toBe("");
    expect(result.exit).toBe(exit);
  });

  test("a wrong secret is 7, a wrong command line 2", async () => {
    const wrong = { env: { SHARED_SECRET: "x".repeat(32) } };
    expect((await cli(gateway, ["tasks"], wrong)).exit).toBe(7);
    expect((await cli(gateway, ["tasks", "--nonsense"])).exit).toBe(2);
    expect((await cli(gateway, ["--help"])).exit).toBe(0);
  });

  test("a reader that goes away ends it quietly", async () => {
    const watching = new RunningCli(gateway, ["watch", "--json"]);
    watching.process.stdout.destroy();
    const ended = watching.exited.then(() => true);
    // Each plan is an event that watch has to write.
    const planning = () => plan(gateway, "wait", { duration_ms: 1 }).then(() => false);
    while (!(await Promise.race([ended, planning()])));
    expect(await watching.exited).toBe(141);
    expect(watching.stderr).toBe("");
  });
});

describe("following", () => {
  test("watch gives a task's events as JSON lines, to the last", async () => {
    const planned = await plan(gateway, "wait", { duration_ms: 1 });
    const watching = cli(gateway, ["watch", "--json", planned.task_id]);
    expect((await cli(gateway, ["execute", planned.task_id])).exit).toBe(0);
    const { exit, stdout } = await watching;
    const events = stdout
      .trim()
      .split("\n")
      .map((line) => json<{ event: string }>(line).event);
    expect(events[0]).toBe("task_planned");
    expect(events.at(-1)).toBe("task_completed");
    expect(exit).toBe(0);
  });

  test("I7 watch without a secret sees no more than names and progress", async () => {
    const planned = await plan(gateway, "fs.read", { path: "/tmp/a.txt" });
    const anonymous = { env: { SHARED_SECRET: undefined } };
    const watching = cli(gateway, ["watch", "--json", planned.task_id], anonymous);
    await cli(gateway, ["execute", planned.task_id]);
    const { stdout } = await watching;
    expect(stdout).toContain("task_completed");
    expect(stdout).not.toContain("a.txt");
  });

  test("reject is told to who waits", async () => {
    const { stdout } = await cli(gateway, [
      "plan",
      "--json",
      "fs.write",
      "path=/tmp/n",
      "content=x",
    ]);
    const { task_id } = json<PlanView>(stdout);
    const waiting = new RunningCli(gateway, ["execute", "--wait", task_id]);
    await waiting.says("confirm");
    const rejected = await cli(gateway, ["reject", task_id, "--reason", "not today"], approver());
    expect(rejected.exit).toBe(0);
    expect(await waiting.exited).toBe(5);
    expect(waiting.stderr).toContain("not today");
  });
});

describe("operating", () => {
  test("doctor finds a running gateway well", async () => {
    const { exit, stdout } = await cli(gateway, ["doctor", "--json"], approver());
    const report = json<{ ok: boolean; findings: { name: string; state: string }[] }>(stdout);
    const faults = report.findings.filter(({ state }) => state === "fault");
    expect(faults).toEqual([]);
    expect(report.ok).toBe(true);
    const names = report.findings.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(["node", "keys", "WORKDIR", "policy", "clock", "ready: audit"]),
    );
    expect(exit).toBe(0);
  });

  test("doctor names what is wrong", async () => {
    const nowhere = { env: { GATEWAY_URL: "http://127.0.0.1:1", AUDIT_KEY: undefined } };
    const { exit, stdout } = await cli(gateway, ["doctor"], nowhere);
    expect(stdout).toContain("AUDIT_KEY");
    expect(stdout).toContain("nothing answers");
    expect(exit).toBe(1);
  });

  test("audit verify beside the running gateway", async () => {
    const { exit, stdout } = await cli(gateway, ["audit", "verify", "--json"]);
    expect(json(stdout)).toMatchObject({ ok: true });
    expect(exit).toBe(0);
    const other = { env: { AUDIT_KEY: "another key, as long as it must be" } };
    expect((await cli(gateway, ["audit", "verify"], other)).exit).toBe(1);
  });

  test("backup beside it, restore elsewhere", async () => {
    const file = join(gateway.directory, "backup.db");
    expect((await cli(gateway, ["backup", file])).stderr).not.toContain("error");
    expect((await cli(gateway, ["backup", file])).exit).toBe(1);
    const elsewhere = join(gateway.directory, "restored");
    const { exit, stdout } = await cli(gateway, [
      "restore",
      file,
      "--data-dir",
      elsewhere,
      "--json",
    ]);
    expect(json(stdout)).toMatchObject({ state: "restored" });
    expect(exit).toBe(0);
    expect((await cli(gateway, ["audit", "verify", "--data-dir", elsewhere])).exit).toBe(0);
  });

  test("policy check and explain", async () => {
    const bad = { capabilities: { "fs.read": { enabled: true, alowed_paths: ["/tmp"] } } };
    const checked = await cli(gateway, ["policy", "check", "-"], { input: JSON.stringify(bad) });
    expect(checked.stdout).toContain("/capabilities/fs.read/alowed_paths");
    expect(checked.exit).toBe(1);
    const denied = await cli(gateway, ["policy", "explain", "--json", "fs.read", "path=/etc/x"]);
    expect(json(denied.stdout)).toMatchObject({ rule: 'capabilities["fs.read"].allowed_paths' });
    expect(denied.exit).toBe(4);
    expect((await cli(gateway, ["policy", "explain", "fs.read", "path=/tmp/x"])).exit).toBe(0);
  });

  test("an agent is told something only while it works", async () => {
    const planned = await cli(gateway, ["--json", "plan", "wait", "duration_ms=1"]);
    const { task_id } = json(planned.stdout) as { task_id: string };
    for (const words of [
      ["tell", task_id, "the", "blue", "one"],
      ["takeover", task_id],
    ]) {
      const refused = await cli(gateway, words, approver());
      expect(refused.stderr).toContain("not running");
      expect(refused.exit).not.toBe(0);
    }
  });

  test("stop refuses new work until resumed", async () => {
    expect((await cli(gateway, ["stop", "--reason", "test"], approver())).exit).toBe(0);
    const refused = await cli(gateway, ["run", "--yes", "wait", "duration_ms=1"]);
    expect(refused.stderr).toContain("resume");
    expect(refused.exit).toBe(9);
    expect((await cli(gateway, ["resume"], approver())).exit).toBe(0);
    expect((await cli(gateway, ["run", "--yes", "wait", "duration_ms=1"])).exit).toBe(0);
  });
});

describe("tasks", () => {
  test("goes on with the same filters", async () => {
    for (const name of ["a", "b"]) {
      expect((await cli(gateway, ["plan", "fs.list", `path=/tmp/${name}`])).exit).toBe(0);
    }
    const words = ["tasks", "--status", "planned", "--limit", "1", "--url", gateway.url];
    const first = await cli(gateway, words);
    const more = /^More: bytebot-gateway (.+)$/m.exec(first.stderr)?.[1];
    expect(more).toMatch(/^tasks --url \S+ --status planned --limit 1 --cursor \S+$/);
    const next = await cli(gateway, more?.split(" ") ?? []);
    expect(next.exit).toBe(0);
    expect(next.stdout).toMatch(/^task_\S+ {2}planned /);
    expect(next.stdout).not.toBe(first.stdout);
  });
});
