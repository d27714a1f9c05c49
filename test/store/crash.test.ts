import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createSealer } from "../../src/audit/chain.ts";
import { verifyChain } from "../../src/audit/verify-chain.ts";
import { readAuditRecords } from "../../src/store/sqlite/read-audit-records.ts";
import { openStore } from "../../src/store/sqlite/store.ts";
import { countEvents, newTask, recordsOf } from "../support/store/test-records.ts";

const AUDIT_KEY = "an audit key for tests";
const CHILD = join(import.meta.dirname, "crash-child.ts");
const SOURCES = join(import.meta.dirname, "../../src/store/sqlite");

const canMount = succeeds("unshare", "--mount", "sh", "-c", "mount -t tmpfs none /mnt");
const canLimit = succeeds("prlimit", "--version");

describe("a store whose process is killed", () => {
  it.each([1, 2, 3])(
    "I6 has every write that was acknowledged (%i)",
    async (round) => {
      const folder = temporaryFolder();
      const file = join(folder, "gateway.db");
      const child = spawn(process.execPath, [CHILD, "writer", file], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let output = "";
      for await (const chunk of child.stdout) {
        output += chunk;
        if (output.length > round * 20_000 && !child.killed) child.kill("SIGKILL");
      }
      const acknowledged = output.split("\n").slice(0, -1);
      expect(acknowledged.length).toBeGreaterThan(100);

      await using store = openStore({ file, seal: createSealer(AUDIT_KEY) });
      const kept = new Set(await store.tasks.list({ limit: 1_000_000 }));
      expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
      expect(await countEvents(store.events)).toBe(kept.size);
      expect(await verifyChain(readAuditRecords(file), AUDIT_KEY)).toMatchObject({
        ok: true,
        records: kept.size,
      });
      await store.audit.append([{ type: "gateway.started", key_id: null, time: "now" }]);
    },
    30_000,
  );
});

describe("a store without space", () => {
  it.skipIf(!canMount)(
    "I6 refuses and recovers by itself (real disk; needs root to mount)",
    () => {
      const script = `mount -t tmpfs -o size=6m,mode=700 none "$1" && exec "$2" "$3" full "$1"`;
      const folder = temporaryFolder();
      check(run("unshare", "--mount", "sh", "-c", script, "sh", folder, process.execPath, CHILD));
    },
    30_000,
  );

  it.skipIf(!canLimit)(
    "I6 refuses and recovers by itself (limit on file size; needs prlimit)",
    () => {
      const script = ["--fsize=3000000:unlimited", process.execPath, CHILD, "limit"];
      check(run("prlimit", ...script, temporaryFolder()));
    },
    30_000,
  );

  function check(report: Report): void {
    expect(report.codes).toEqual(["audit_unavailable"]);
    expect(report.whileFull.problem).toBeTruthy();
    expect(report.checked).toBeUndefined();
    expect(report.written).toBe(report.whileFull.written + 8);
    expect(report.kept).toEqual(report.acknowledged);
    expect([report.delivered, report.events, report.records]).toEqual(
      Array(3).fill(report.written),
    );
  }
});

describe("a store on a read-only disk", () => {
  it.skipIf(!canMount)(
    "is not opened, but its audit log can be read (needs root to mount)",
    async () => {
      const folder = temporaryFolder();
      const data = join(folder, "data");
      mkdirSync(data);
      const file = join(data, "gateway.db");
      {
        await using store = openStore({ file, seal: createSealer(AUDIT_KEY) });
        const task = newTask();
        await store.tasks.insert(task, recordsOf(task, "task_planned"));
      }
      const program = `
      const { openStore } = await import("${join(SOURCES, "store.ts")}");
      const { readAuditRecords } = await import("${join(SOURCES, "read-audit-records.ts")}");
      let refusal = "";
      try { openStore({ file: "${file}", seal: () => { throw new Error("unused") } }); }
      catch (error) { refusal = error.message; }
      const records = await Array.fromAsync(readAuditRecords("${file}"));
      process.stdout.write(JSON.stringify({ refusal, records: records.length }));`;
      const script = `mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" --input-type=module -e "$3"`;
      const seen = run(
        "unshare",
        "--mount",
        "sh",
        "-c",
        script,
        "sh",
        data,
        process.execPath,
        program,
      );
      expect(seen).toEqual({ refusal: expect.stringMatching(/read-?only/i), records: 1 });
    },
  );

  it.skipIf(process.getuid?.() === 0)(
    "is not opened in a folder of another (root may write)",
    () => {
      const folder = temporaryFolder();
      chmodSync(folder, 0o500);
      const open = () => openStore({ file: join(folder, "gateway.db"), seal: createSealer("k") });
      expect(open).toThrow();
    },
  );
});

interface Report {
  readonly codes: readonly string[];
  readonly whileFull: { readonly written: number; readonly problem?: string };
  readonly checked?: string;
  readonly written: number;
  readonly kept: readonly string[];
  readonly acknowledged: readonly string[];
  readonly delivered: number;
  readonly events: number;
  readonly records: number;
}

/** What a child printed, as JSON. */
function run(command: string, ...args: readonly string[]): Report {
  return JSON.parse(execFileSync(command, args, { encoding: "utf8", maxBuffer: 1 << 26 }));
}

function succeeds(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "gateway-crash-"));
  onTestFinished(() => {
    chmodSync(folder, 0o700);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}
