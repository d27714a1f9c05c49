/**
 * A program of its own for the tests: `writer FILE` writes in groups for ever and prints each id
 * once it is acknowledged; `full FOLDER` fills the disk, makes room and prints what it saw.
 */
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createSealer } from "../../src/audit/chain.ts";
import type { GatewayEvent } from "../../src/contract/event.ts";
import { openStore, type SqliteStore } from "../../src/store/sqlite/store.ts";
import { countEvents, newTask, recordsOf } from "../support/store/test-records.ts";

const [mode, path = ""] = process.argv.slice(2);
const seal = createSealer("an audit key for tests");

async function insert(store: SqliteStore, canonicalPlan = "{}"): Promise<string> {
  const task = newTask({ canonicalPlan });
  await store.tasks.insert(task, recordsOf(task, "task_planned"));
  return task.id;
}

async function writeForEver(): Promise<never> {
  const store = openStore({ file: path, seal });
  for (;;) {
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        const id = await insert(store);
        process.stdout.write(`${id}\n`);
      }),
    );
  }
}

async function fillDisk(makeRoom: () => void): Promise<void> {
  await using store = openStore({ file: join(path, "gateway.db"), seal });
  const delivered: GatewayEvent[] = [];
  store.events.onCommitted((events) => delivered.push(...events));
  const ids: string[] = [];
  const codes = new Set<string>();
  const writeGroup = async () => {
    const writes = Array.from({ length: 8 }, () => insert(store, "x".repeat(20_000)));
    for (const write of await Promise.allSettled(writes)) {
      if (write.status === "fulfilled") ids.push(write.value);
      else codes.add(String(write.reason.code));
    }
  };
  while (codes.size === 0) await writeGroup();
  await writeGroup();
  const whileFull = { written: ids.length, problem: store.problem, checked: await store.check() };
  makeRoom();
  const checked = await store.check();
  await writeGroup();
  const kept = await store.tasks.list({ limit: 100_000 });
  const report = {
    codes: [...codes],
    whileFull,
    checked,
    written: ids.length,
    kept: kept.toSorted(),
    acknowledged: ids.toSorted(),
    delivered: delivered.length,
    events: await countEvents(store.events),
    records: (await store.audit.head()).seq,
  };
  process.stdout.write(JSON.stringify(report));
}

const MODES: Readonly<Record<string, () => Promise<void>>> = {
  writer: writeForEver,
  full: async () => {
    const ballast = join(path, "ballast");
    writeFileSync(ballast, Buffer.alloc(3 * 1024 * 1024));
    await fillDisk(() => rmSync(ballast));
  },
  limit: () =>
    fillDisk(() => execFileSync("prlimit", [`--pid=${process.pid}`, "--fsize=unlimited"])),
};

await MODES[mode ?? ""]?.();
