import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { GatewayError } from "../../src/contract/errors.ts";
import type { Confinement } from "../../src/drivers/embedded/confined-path.ts";
import { listDirectory } from "../../src/drivers/embedded/list.ts";
import { readFile } from "../../src/drivers/embedded/read.ts";
import { writeFile } from "../../src/drivers/embedded/write.ts";
import { type Bench, ioOf, openBench } from "../support/drivers/embedded/fixtures.ts";
import { naiveConfinement } from "./naive-confinement.ts";

const SECRET = "a secret outside the workspace\n";
const OUTSIDE = ["decoy.txt", "inside.txt", "secret.txt"];
/** The race is run this long, ms. */
const RACE = 20_000;
/** The naive confinement is given up to this long to be caught, ms. */
const PATIENCE = 60_000;

/** In memory where there is such a place: the disk's waiting leaves fewer tries. */
const PLACE = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

let bench: Bench;
let attacker: ChildProcess;
beforeEach(async () => {
  bench = openBench(PLACE);
  for (const name of ["inside.txt", "secret.txt"]) writeFileSync(join(bench.outside, name), SECRET);
  mkdirSync(bench.host("/tmp/directory"));
  const program = fileURLToPath(new URL("./swapper.ts", import.meta.url));
  attacker = spawn(process.execPath, [program, bench.host("/tmp"), bench.outside], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (attacker.stdout !== null) await once(attacker.stdout, "data");
});
afterEach(async () => {
  const ended = once(attacker, "exit");
  attacker.kill("SIGKILL");
  await ended;
  bench[Symbol.dispose]();
});

interface Tally {
  readEscapes: number;
  readonly done: Record<string, number>;
  readonly refused: Record<string, number>;
  /** Errors that a driver must not let out. */
  readonly raw: Set<string>;
}

/** Reads, lists and writes where the attacker swaps, until `isOver`. */
async function race(root: Confinement, isOver: (tally: Tally) => boolean): Promise<Tally> {
  const tally: Tally = { readEscapes: 0, done: {}, refused: {}, raw: new Set() };
  const io = ioOf();
  const attempt = async (name: string, work: () => Promise<Record<string, unknown>>) => {
    try {
      const { content, entries } = await work();
      tally.done[name] = (tally.done[name] ?? 0) + 1;
      const seen = JSON.stringify([content, entries]);
      if (seen.includes(SECRET.trim()) || seen.includes("secret.txt")) tally.readEscapes += 1;
    } catch (error) {
      if (!(error instanceof GatewayError)) tally.raw.add(String(error));
      const code = error instanceof GatewayError ? error.code : "raw";
      tally.refused[code] = (tally.refused[code] ?? 0) + 1;
    }
  };
  const site = { root, owner: bench.workspace.owner };
  for (let round = 0; !isOver(tally); round++) {
    for (let times = 0; times < 20; times++) {
      await attempt("read below", () => readFile(root, { path: "/tmp/directory/inside.txt" }, io));
      await attempt("read leaf", () => readFile(root, { path: "/tmp/leaf" }, io));
    }
    await attempt("list", () => listDirectory(root, { path: "/tmp/directory" }, io));
    for (const [mode, path] of [
      ["create", `/tmp/directory/w${round}`],
      ["create", `/tmp/directory/d${round}/w`],
      ["overwrite", "/tmp/directory/inside.txt"],
      ["append", "/tmp/leaf"],
    ] as const) {
      const parameters = { path, mode, content: "written" };
      await attempt(mode, () => writeFile(site, parameters, {}, io));
    }
  }
  return tally;
}

/** What came to be outside, or is no longer what it was. */
function writeEscapes(): string[] {
  const names = readdirSync(bench.outside);
  const changed = ["inside.txt", "secret.txt"].filter(
    (name) => readFileSync(join(bench.outside, name), "utf8") !== SECRET,
  );
  return [...names.filter((name) => !OUTSIDE.includes(name)), ...changed];
}

test("nothing escapes the walk while directories and files are swapped for links", {
  timeout: RACE + 40_000,
}, async () => {
  const end = performance.now() + RACE;
  const tally = await race(bench.workspace.root, () => performance.now() >= end);
  expect(tally.readEscapes).toBe(0);
  expect(writeEscapes()).toEqual([]);
  expect([...tally.raw]).toEqual([]);
  // The race was one: each kind of work succeeded at times, and met links at others.
  for (const name of ["read below", "read leaf", "list", "create", "overwrite"]) {
    expect(tally.done[name], name).toBeGreaterThan(0);
  }
  expect(tally.refused.path_not_allowed).toBeGreaterThan(0);
  expect(tally.refused.not_a_file).toBeGreaterThan(0);
  console.info("race against the walk", tally.done, tally.refused);
});

test("realpath and open in its place are seen to escape, by reading and by writing", {
  timeout: PATIENCE + 40_000,
}, async () => {
  const end = performance.now() + PATIENCE;
  const isCaught = (tally: Tally) => tally.readEscapes > 0 && writeEscapes().length > 0;
  const tally = await race(
    naiveConfinement(bench.workspace.workdir),
    (so_far) => isCaught(so_far) || performance.now() >= end,
  );
  expect(tally.readEscapes).toBeGreaterThan(0);
  expect(writeEscapes().length).toBeGreaterThan(0);
});
