import { appendFileSync, readFileSync, renameSync, symlinkSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Bench, failure, openBench } from "../../../test/support/drivers/embedded/fixtures.ts";
import { openTarget } from "./open-target.ts";
import { isLeftover, StagedFile } from "./staged-file.ts";
import { sweepLeftovers } from "./sweep.ts";

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench[Symbol.dispose]());

const LEFTOVER = ".bytebot-0123456789ab-0123456789abcdef.tmp";

async function publish(interfere: () => void): Promise<unknown> {
  using previous = openTarget(bench.workspace.root, "/tmp/a");
  using directory = bench.workspace.root.openDirectory("/tmp");
  await using staged = await StagedFile.create(directory, "/tmp/a", undefined, 0o644);
  await staged.write(Buffer.from("new"));
  await staged.settle();
  interfere();
  return await staged.publish("a", previous);
}

describe("publishing", () => {
  test("replaces exactly the file that was opened", async () => {
    bench.put("/tmp/a", "old");
    expect(await publish(() => {})).toMatchObject({ size: 3 });
    expect(readFileSync(bench.host("/tmp/a"), "utf8")).toBe("new");
  });

  test.each([
    ["was written to", () => appendFileSync(bench.host("/tmp/a"), "!")],
    ["was moved away", () => renameSync(bench.host("/tmp/a"), bench.host("/home/a"))],
    [
      "was swapped for a link",
      () => {
        renameSync(bench.host("/tmp/a"), bench.host("/home/a"));
        symlinkSync(`${bench.outside}/decoy.txt`, bench.host("/tmp/a"));
      },
    ],
  ])("fails where the file %s, and leaves nothing", async (_what, interfere) => {
    bench.put("/tmp/a", "old");
    await expect(publish(interfere)).rejects.toMatchObject(failure("state_changed"));
    expect(bench.names("/tmp").filter((name) => name !== "a")).toEqual([]);
  });
});

describe("the sweep", () => {
  test("removes what an earlier run staged, at any depth, and nothing else", async () => {
    const kept = [".bytebot-x.tmp", `x${LEFTOVER}`, `${LEFTOVER}x`];
    for (const name of kept) bench.put(`/tmp/${name}`, "mine");
    bench.put(`/tmp/${LEFTOVER}`, "");
    bench.put(`/home/user/a/b/${LEFTOVER}`, "");
    symlinkSync(bench.host("/tmp"), bench.host("/home/link"));
    await sweepLeftovers(bench.workspace.root, new AbortController().signal);
    expect(bench.names("/tmp")).toEqual(kept.toSorted());
    expect(bench.names("/home/user/a/b")).toEqual([]);
  });

  test("spares what this run is staging", async () => {
    using directory = bench.workspace.root.openDirectory("/tmp");
    await using staged = await StagedFile.create(directory, "/tmp/a", undefined, undefined);
    await sweepLeftovers(bench.workspace.root, new AbortController().signal);
    const names = bench.names("/tmp");
    expect(names).toHaveLength(1);
    expect(names.some(isLeftover)).toBe(false);
    await staged.publish("a", undefined);
    expect(bench.names("/tmp")).toEqual(["a"]);
  });
});
