import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ExecuteView } from "../../src/contract/requests.ts";
import type { Problem } from "../../src/contract/service.ts";
import type { PlanView } from "../../src/contract/task.ts";
import { call } from "../support/call.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

/**
 * Path traversal over HTTP, with a policy that allows every path and asks nobody, so that the
 * driver's confinement alone stands in the way. Every third string is written, plain and behind
 * `/tmp/`, in plans of many steps. A step that fails ends its task, and almost every read and
 * listing fails, so these go through one by one, for fewer. The whole corpus takes minutes this way:
 * all of it meets the driver itself in `test/confinement/traversal.test.ts`.
 */
const CORPUS = resolve(import.meta.dirname, "../../../shared/corpora/traversal.txt");
const isPresent = existsSync(CORPUS);
const name = `the traversal corpus over HTTP${isPresent ? "" : ` (skipped: no ${CORPUS})`}`;
const STEPS = 100;
const AT_ONCE = 8;
/** Every so many strings are written; of those, every so many are read and listed. */
const WRITTEN = 3;
const READ = 12;
const DECOY = "a decoy that must never be read";
const any = { enabled: true, allowed_paths: ["/"] };
const POLICY = {
  capabilities: { "fs.read": any, "fs.list": any, "fs.write": { ...any, confirmation: "none" } },
  confirmation: { low: "none", medium: "none", high: "none" },
  security: { rate_limit_per_minute: 10_000_000, max_concurrent_tasks: AT_ONCE },
};
/** What a plan may refuse a path with, and a step may fail with. */
const REFUSALS = ["invalid_request", "path_not_allowed"];
const FAILURES = [
  "file_not_found",
  "file_exists",
  "not_a_file",
  "path_not_allowed",
  "invalid_request",
];

interface Step {
  readonly action: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

type Planned = Pick<PlanView, "task_id" | "steps"> & Pick<Problem, "code" | "detail">;

interface Outcome {
  readonly step: Step;
  /** The path as the plan resolved it; undefined where planning refused it. */
  readonly path?: string;
  readonly result?: Readonly<Record<string, unknown>>;
}

describe.runIf(isPresent)(name, { timeout: 600_000 }, () => {
  const lines = isPresent ? readFileSync(CORPUS, "latin1").split("\n").filter(Boolean) : [];
  const bothWays = (line: string) => [line, `/tmp/${line}`];
  const taken = lines.filter((_, index) => index % WRITTEN === 0);
  const paths = taken.flatMap(bothWays);
  const sample = taken.filter((_, index) => index % READ === 0).flatMap(bothWays);
  let gateway: Gateway;
  let before: unknown;
  /** What was written inside, by resolved path. */
  const written = new Map<string, unknown>();

  beforeAll(async () => {
    // Each of tens of thousands of files is synced to its disk: here that costs nothing.
    if (existsSync("/dev/shm")) process.env.TMPDIR = "/dev/shm";
    gateway = await startGateway({ policy: POLICY });
    // Where `../etc/passwd` and its like would lead from WORKDIR.
    for (const folder of ["etc", "tmp", "windows/win.ini.d"]) {
      mkdirSync(join(gateway.directory, folder), { recursive: true });
    }
    for (const file of ["etc/passwd", "etc/shadow", "etc/hosts", "tmp/a.txt", "boot.ini"]) {
      writeFileSync(join(gateway.directory, file), DECOY);
    }
    before = outside();
  });
  afterAll(() => gateway?.[Symbol.asyncDispose]());

  /** All that lies beside WORKDIR, but for the gateway's own data, and what attacks usually ask for. */
  function outside(): unknown {
    const own = [gateway.workdir, gateway.dataDir];
    const beside = readdirSync(gateway.directory, { recursive: true, encoding: "utf8" })
      .map((path) => join(gateway.directory, path))
      .filter((path) => !own.some((folder) => path === folder || path.startsWith(`${folder}/`)))
      .sort();
    const system = ["/etc/passwd", "/etc/shadow", "/etc/hosts", "/etc/issue"].filter(existsSync);
    return [
      beside.map((path) => {
        const { ino, mtimeMs, size } = lstatSync(path);
        return [path, ino, size, path.endsWith("config") ? 0 : mtimeMs];
      }),
      system.map((path) => [path, statSync(path).ino, statSync(path).mtimeMs]),
      readdirSync("/").sort(),
    ];
  }

  /** Runs the steps in plans of up to `size`; what fails or is refused is left out and the rest goes on. */
  async function runAll(steps: readonly Step[], size: number): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    const rest = chunksOf(steps, size).values();
    const runRest = async () => {
      for (const chunk of rest) outcomes.push(...(await runChunk(chunk)));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, runRest));
    return outcomes;
  }

  async function runChunk(chunk: readonly Step[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    let steps = chunk;
    while (steps.length > 0) {
      const planned = await call<Planned>(gateway, "POST", "/plan", { steps });
      if (planned.status !== 200) {
        // Which step it was says only the detail of some: halves find it.
        expect(REFUSALS, planned.body.detail).toContain(planned.body.code);
        const [step] = steps;
        if (steps.length === 1 && step !== undefined) return [...outcomes, { step }];
        const half = Math.ceil(steps.length / 2);
        outcomes.push(...(await runChunk(steps.slice(0, half))));
        steps = steps.slice(half);
        continue;
      }
      const { task_id, steps: views } = planned.body;
      const ran = await call<ExecuteView>(gateway, "POST", "/execute?wait=300", { task_id });
      expect(ran.status).toBe(200);
      const { error, result } = ran.body;
      const results = (result?.steps ?? [result]) as Outcome["result"][];
      const done = error?.step ?? steps.length;
      // Another string that leads to the same file was quicker: it is planned anew.
      const again = error?.code === "state_changed";
      if (error && !again) expect(FAILURES, error.detail).toContain(error.code);
      for (const [index, step] of steps.slice(0, again ? done : done + 1).entries()) {
        const path = String(views[index]?.parameters.path);
        const got = index < done ? results[index] : undefined;
        outcomes.push({ step, path, ...(got && { result: got }) });
      }
      steps = steps.slice(again ? done : done + 1);
    }
    return outcomes;
  }

  test("has the strings", () => {
    expect(lines.length).toBeGreaterThan(20_000);
  });

  test("nothing is read: the world has no file yet", async () => {
    const steps = sample.map((path) => ({ action: "fs.read", parameters: { path } }));
    const read = (await runAll(steps, 1)).filter(({ result }) => result !== undefined);
    expect(read).toEqual([]);
  });

  test("every third string is written inside, under the path its plan shows, or refused", async () => {
    const steps = paths.map((path) => ({
      action: "fs.write",
      parameters: { path, content: path, mode: "overwrite" },
    }));
    const outcomes = await runAll(steps, STEPS);
    expect(outcomes).toHaveLength(paths.length);
    for (const { step, path, result } of outcomes) {
      if (result === undefined || path === undefined) continue;
      expect(result.path).toBe(path);
      written.set(path, step.parameters.content);
    }
    expect(written.size).toBeGreaterThan(7_000);
    expect(outside()).toEqual(before);
    for (const path of written.keys()) {
      if (!lstatSync(join(gateway.workdir, path)).isFile())
        throw new Error(`${path} is not inside`);
    }
  });

  test("what is read is what was written, whatever the string", async () => {
    const steps = sample.map((path) => ({ action: "fs.read", parameters: { path } }));
    const outcomes = await runAll(steps, 1);
    const read = outcomes.filter(({ result }) => result !== undefined);
    expect(read.length).toBeGreaterThan(sample.length / 4);
    for (const { path = "", result } of read) {
      expect(result?.content).not.toBe(DECOY);
      expect(readFileSync(join(gateway.workdir, path), "utf8")).toBe(result?.content);
    }
  });

  test("what is listed is inside", async () => {
    const steps = sample.map((path) => ({ action: "fs.list", parameters: { path } }));
    for (const { path = "", result } of await runAll(steps, 1)) {
      if (result === undefined) continue;
      const entries = result.entries as { name: string }[];
      const real = readdirSync(join(gateway.workdir, path));
      for (const { name: entry } of entries) expect(real).toContain(entry);
    }
    expect(outside()).toEqual(before);
  });
});

function chunksOf<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
