import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GatewayError } from "../../src/contract/errors.ts";
import { listDirectory } from "../../src/drivers/embedded/list.ts";
import { readFile } from "../../src/drivers/embedded/read.ts";
import { writeFile } from "../../src/drivers/embedded/write.ts";
import { type Bench, DECOY, ioOf, openBench, tree } from "../support/drivers/embedded/fixtures.ts";

const CORPUS = resolve(import.meta.dirname, "../../../shared/corpora/traversal.txt");
const isPresent = existsSync(CORPUS);
const name = isPresent ? "the traversal corpus" : `the traversal corpus (skipped: no ${CORPUS})`;
/** Attempts that wait for the disk together. */
const AT_ONCE = 16;
const PLACE = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

describe.runIf(isPresent)(name, { timeout: 300_000 }, () => {
  const lines = isPresent ? readFileSync(CORPUS, "latin1").split("\n").filter(Boolean) : [];
  /** As it stands, behind /tmp/, and that as the capabilities normalise it. */
  const paths = [
    ...new Set(lines.flatMap((line) => [line, `/tmp/${line}`, posix.normalize(`/tmp/${line}`)])),
  ];
  let bench: Bench;
  let outsideBefore: unknown;
  const io = ioOf();

  beforeAll(() => {
    bench = openBench(PLACE);
    outsideBefore = outside();
  });
  afterAll(() => bench[Symbol.dispose]());

  /** All that lies beside the workspace, and a few files every attack asks for. */
  function outside(): unknown {
    const base = join(bench.outside, "..");
    const beside = tree(base).filter((path) => !path.startsWith(bench.workspace.workdir));
    const system = ["/etc/passwd", "/etc/issue", "/etc/hosts"].filter((path) => existsSync(path));
    return [
      beside.map((path) => [path, lstatSync(path).mtimeMs, lstatSync(path).ino]),
      readFileSync(join(bench.outside, "decoy.txt"), "utf8"),
      system.map((path) => statSync(path).mtimeMs),
      readdirSync(base).sort(),
      readdirSync("/").sort(),
    ];
  }

  /** What succeeded; every failure must be one that is meant. */
  async function attemptAll(
    work: (path: string) => Promise<Record<string, unknown>>,
  ): Promise<Map<string, Record<string, unknown>>> {
    const done = new Map<string, Record<string, unknown>>();
    const rest = paths.values();
    const attemptRest = async () => {
      for (const path of rest) {
        try {
          done.set(path, await work(path));
        } catch (error) {
          if (!(error instanceof GatewayError) || error.code === "internal_error") {
            throw new Error(`${JSON.stringify(path)} failed in an unexpected way`, {
              cause: error,
            });
          }
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, attemptRest));
    return done;
  }

  test("has the strings", () => {
    expect(lines.length).toBeGreaterThan(20_000);
  });

  test("reads nothing: the workspace has no file", async () => {
    const read = await attemptAll((path) => readFile(bench.workspace.root, { path }, io));
    expect([...read.keys()]).toEqual([]);
  });

  test("lists nothing but directories of the workspace", async () => {
    const listed = await attemptAll((path) => listDirectory(bench.workspace.root, { path }, io));
    for (const path of listed.keys()) expect(["/", "/tmp", "/home"]).toContain(path);
  });

  test("writes nothing outside, and what it wrote is found inside by the same name", async () => {
    const written = await attemptAll((path) =>
      writeFile(bench.workspace, { path, content: path, mode: "overwrite" }, {}, io),
    );
    expect(written.size).toBeGreaterThan(0);
    expect(outside()).toEqual(outsideBefore);
    const inside = new Set(tree(bench.workspace.workdir));
    for (const path of written.keys()) {
      if (!inside.has(`${bench.workspace.workdir}${path}`))
        throw new Error(`${path} is not inside`);
    }
    const read = await attemptAll((path) => readFile(bench.workspace.root, { path }, io));
    expect(read.size).toBe(written.size);
    for (const [path, { content }] of read) {
      if (content !== path || content === DECOY) throw new Error(`${path} reads something else`);
    }
  });
});
