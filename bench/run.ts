/**
 * npm run bench [-- row …] [--seconds N]: measures the gateway beside bare servers in the same run,
 * prints the table and appends it to bench/history.jsonl. Needs the built program. The soak runs where
 * it is asked for, for ten minutes or N seconds.
 */
import { execFileSync } from "node:child_process";
import { appendFile } from "node:fs/promises";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import type { Bench, Row } from "./row.ts";
import { benchByteBot } from "./rows/bytebot.ts";
import { benchClick } from "./rows/click.ts";
import { benchConsole } from "./rows/console.ts";
import { benchCycle } from "./rows/cycle.ts";
import { benchDesktop } from "./rows/desktop.ts";
import { benchEvents } from "./rows/events.ts";
import { benchGrowth } from "./rows/growth.ts";
import { benchLists } from "./rows/lists.ts";
import { benchMemory } from "./rows/memory.ts";
import { benchPlan } from "./rows/plan.ts";
import { benchSoak } from "./rows/soak.ts";
import { benchStall } from "./rows/stall.ts";
import { benchStart } from "./rows/start.ts";

const ROWS: Readonly<Record<string, Bench>> = {
  plan: benchPlan,
  cycle: benchCycle,
  bytebot: benchByteBot,
  click: benchClick,
  desktop: benchDesktop,
  console: benchConsole,
  events: benchEvents,
  start: benchStart,
  memory: benchMemory,
  lists: benchLists,
  growth: benchGrowth,
  stall: benchStall,
  soak: benchSoak,
};
/** Takes longer than all others together. */
const ONLY_WHERE_ASKED = new Set(["soak"]);

const { values, positionals: asked } = parseArgs({
  options: { seconds: { type: "string" } },
  allowPositionals: true,
});
const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
if (seconds !== undefined && !(seconds >= 1)) {
  console.error("--seconds takes a number of seconds, 1 or more");
  process.exit(2);
}
const unknown = asked.filter((name) => !Object.hasOwn(ROWS, name));
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(", ")}; there are ${Object.keys(ROWS).join(", ")}`);
  process.exit(2);
}

const rows: Row[] = [];
for (const [name, bench] of Object.entries(ROWS)) {
  if (asked.length === 0 ? ONLY_WHERE_ASKED.has(name) : !asked.includes(name)) continue;
  const report = (progress: string) => process.stderr.write(`  ${progress}\n`);
  rows.push(...(await bench(report, seconds === undefined ? {} : { seconds })));
}
console.log(`\n| what | measured | target | |\n|---|---|---|---|`);
for (const { what, measured, target, met } of rows) {
  console.log(`| ${what} | ${measured} | ${target} | ${met ? "met" : "MISSED"} |`);
}
const entry = {
  date: new Date().toISOString(),
  commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim(),
  node: process.version,
  processor: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
  rows,
};
await appendFile(new URL("history.jsonl", import.meta.url), `${JSON.stringify(entry)}\n`);
