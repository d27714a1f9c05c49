import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Bench,
  failure,
  ioOf,
  openBench,
  openDescriptors,
} from "../../../test/support/drivers/embedded/fixtures.ts";
import { listDirectory } from "./list.ts";

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench[Symbol.dispose]());

async function list(path: string): Promise<Record<string, unknown>> {
  return await listDirectory(bench.workspace.root, { path }, ioOf());
}

describe("fs.list", () => {
  test("names each entry with type, size and time, sorted, links not followed", async () => {
    bench.put("/tmp/d/b.txt", "hello");
    mkdirSync(bench.host("/tmp/d/a"));
    symlinkSync(bench.outside, bench.host("/tmp/d/c"));
    execFileSync("mkfifo", [bench.host("/tmp/d/d")]);
    utimesSync(bench.host("/tmp/d/b.txt"), 0, 86_400);
    const any = { size: expect.any(Number), modified: expect.stringMatching(/^\d{4}-.*Z$/) };
    expect(await list("/tmp/d")).toEqual({
      entries: [
        { name: "a", type: "directory", ...any },
        { name: "b.txt", type: "file", size: 5, modified: "1970-01-02T00:00:00.000Z" },
        { name: "c", type: "link", ...any },
        { name: "d", type: "other", ...any },
      ],
      truncated: false,
    });
  });

  test("lists the root of the workspace and nothing above it", async () => {
    const { entries } = await list("/");
    expect(entries).toMatchObject([{ name: "home" }, { name: "tmp" }]);
  });

  test("says what is no directory, and refuses a link to one", async () => {
    bench.put("/tmp/file", "x");
    symlinkSync(bench.outside, bench.host("/tmp/link"));
    await expect(list("/tmp/file")).rejects.toMatchObject(failure("not_a_file", /not a directory/));
    await expect(list("/tmp/none")).rejects.toMatchObject(failure("file_not_found"));
    await expect(list("/tmp/link")).rejects.toMatchObject(failure("path_not_allowed", /link/));
  });

  test("shows names that are not UTF-8, with what cannot be shown replaced", async () => {
    const name = Buffer.concat([Buffer.from(bench.host("/tmp/x-")), Buffer.from([0xff])]);
    writeFileSync(name, "x");
    expect(await list("/tmp")).toMatchObject({ entries: [{ name: "x-\ufffd", type: "file" }] });
  });

  test("keeps a long list as an artifact, with its beginning in the result", async () => {
    mkdirSync(bench.host("/tmp/many"));
    const name = (number: number) => `f${String(number).padStart(5, "0")}`;
    for (let number = 0; number < 1001; number++) {
      writeFileSync(bench.host(`/tmp/many/${name(number)}`), "");
    }
    const io = ioOf();
    const before = openDescriptors();
    const { entries, truncated } = await listDirectory(
      bench.workspace.root,
      { path: "/tmp/many" },
      io,
    );
    expect(openDescriptors()).toBe(before);
    expect(truncated).toBe(true);
    expect(entries).toHaveLength(1000);
    const [kept] = io.kept;
    expect(kept).toMatchObject({ name: "listing.json", mediaType: "application/json" });
    const listing = JSON.parse(kept?.content.toString() ?? "");
    expect(listing).toMatchObject({ path: "/tmp/many", truncated: false });
    expect(listing.entries.map((entry: { name: string }) => entry.name)).toEqual(
      Array.from({ length: 1001 }, (_, number) => name(number)),
    );
  });

  test("stops when it is aborted", async () => {
    const io = ioOf({ signal: AbortSignal.abort() });
    await expect(listDirectory(bench.workspace.root, { path: "/" }, io)).rejects.toMatchObject(
      failure("task_cancelled"),
    );
  });
});
