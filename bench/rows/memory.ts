import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Pool } from "undici";
import { startGateway } from "../child.ts";
import { type Bench, limitRow } from "../row.ts";
import { runTask } from "./cycle.ts";

const TASKS = 100_000;
const CONNECTIONS = 16;
const MEGABYTE = 1024 * 1024;
/** What is measured is a process at rest: collections that were due have run by then. */
const REST_MS = 5000;

/** Resident memory at rest, new and after a hundred thousand tasks. */
export const benchMemory: Bench = async (report) => {
  await using gateway = await startGateway();
  await mkdir(join(gateway.folder, "work/tmp"), { recursive: true });
  await writeFile(join(gateway.folder, "work/tmp/test.txt"), "hello");
  // A browser has the console open as well.
  await fetch(`${gateway.url}/health`);
  const page = await (await fetch(`${gateway.url}/console`)).text();
  for (const [, asset] of page.matchAll(/(?:src|href)="(\/console\/assets\/[^"]+)"/g)) {
    await (await fetch(`${gateway.url}${asset}`)).arrayBuffer();
  }
  await pause(REST_MS);
  const idle = await gateway.memory();
  const pool = new Pool(gateway.url, { connections: CONNECTIONS, pipelining: 1 });
  let left = TASKS;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      if (left % 20_000 === 0) report(`memory: ${left} tasks to go`);
      await runTask(pool);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  await pool.close();
  await pause(REST_MS);
  const after = await gateway.memory();
  return [
    limitRow("memory at rest", idle / MEGABYTE, 90, " MB"),
    limitRow(
      "memory after 100,000 tasks, of that at rest",
      after / idle,
      1.4,
      "×",
      `${Math.round(after / MEGABYTE)} MB`,
    ),
  ];
};
