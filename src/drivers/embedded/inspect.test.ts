import { chmodSync, symlinkSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Bench,
  failure,
  openBench,
  openDescriptors,
  tree,
} from "../../../test/support/drivers/embedded/fixtures.ts";
import type { Parameters } from "../../contract/task.ts";
import { sha256 } from "../../lib/canonical.ts";
import type { Inspection } from "../../tasks/driver.ts";
import { inspectEdit, inspectWrite } from "./inspect.ts";

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench[Symbol.dispose]());

const LIMIT = 1024 * 1024;

async function onWrite(parameters: Parameters): Promise<Inspection> {
  return await inspectWrite(bench.workspace, { path: "/tmp/a", ...parameters }, LIMIT);
}

async function onEdit(old_text: string, new_text: string): Promise<Inspection> {
  return await inspectEdit(bench.workspace, { path: "/tmp/a", old_text, new_text }, LIMIT);
}

describe("inspecting fs.write", () => {
  test("binds the absence of a file and shows all that comes", async () => {
    expect(await onWrite({ content: "new\n" })).toEqual({
      bound: { "file:/tmp/a": "absent" },
      riskFactors: [],
      preview: {
        kind: "diff",
        path: "/tmp/a",
        diff: "--- /dev/null\n+++ /tmp/a\n@@ -0,0 +1 @@\n+new\n",
        truncated: false,
      },
    });
  });

  test("binds the hash of a file, raises for overwriting, shows the change", async () => {
    bench.put("/tmp/a", "old\n");
    expect(await onWrite({ content: "new\n", mode: "overwrite" })).toMatchObject({
      bound: { "file:/tmp/a": sha256("old\n") },
      riskFactors: ["overwrites an existing file"],
      preview: { diff: "--- /tmp/a\n+++ /tmp/a\n@@ -1 +1 @@\n-old\n+new\n", truncated: false },
    });
  });

  test("shows what is appended, which is no overwriting", async () => {
    bench.put("/tmp/a", "old\n");
    expect(await onWrite({ content: "new\n", mode: "append" })).toMatchObject({
      riskFactors: [],
      preview: { diff: "--- /tmp/a\n+++ /tmp/a\n@@ -1 +1,2 @@\n old\n+new\n" },
    });
  });

  test("raises for an executable file", async () => {
    bench.put("/tmp/a", "#!/bin/sh\n");
    chmodSync(bench.host("/tmp/a"), 0o744);
    expect((await onWrite({ content: "", mode: "overwrite" })).riskFactors).toEqual([
      "the file is executable",
      "overwrites an existing file",
    ]);
    expect((await onEdit("sh", "ash")).riskFactors).toEqual(["the file is executable"]);
  });

  test("notes an empty file and content that stays the same", async () => {
    expect((await onWrite({ content: "" })).preview).toMatchObject({
      diff: "",
      note: "Creates an empty file.",
    });
    bench.put("/tmp/a", "old");
    expect((await onWrite({ content: "old", mode: "overwrite" })).preview).toMatchObject({
      diff: "",
      truncated: false,
      note: "The content stays the same.",
    });
  });

  test("describes bytes by size and hash", async () => {
    bench.put("/tmp/a", Buffer.from([1, 0, 2]));
    const { preview } = await onWrite({ content: "AP8=", encoding: "base64", mode: "overwrite" });
    expect(preview).toMatchObject({
      diff: "",
      truncated: true,
      note: `Not text: 3 bytes (${sha256(Buffer.from([1, 0, 2]))}) becomes 2 bytes, ${sha256(Buffer.from([0, 255]))}.`,
    });
  });

  test("shows of a large file what goes and what comes", async () => {
    bench.put("/tmp/a", "line\n".repeat(100_000));
    const { preview } = await onWrite({ content: "end\n", mode: "append" });
    expect(preview).toMatchObject({
      diff: "--- /tmp/a\n+++ /tmp/a\n@@ @@\n+end\n",
      truncated: true,
      note: expect.stringMatching(/500000 bytes .*0 bytes of it go, 4 bytes come/),
    });
    expect((await onWrite({ content: "end\n", mode: "overwrite" })).preview).toMatchObject({
      truncated: true,
      note: expect.stringMatching(/500000 bytes .*all of it goes, 4 bytes come/),
    });
  });

  test("shows the beginning of large content", async () => {
    const { preview } = await onWrite({ content: "ä".repeat(300_000) });
    expect(preview).toMatchObject({
      diff: expect.stringMatching(/\+ä+\n/),
      truncated: true,
      note: expect.stringMatching(/the file is absent; 600000 bytes come/),
    });
  });

  test("I12 what stands in the way is a note for the approver, never an error", async () => {
    const preview = async (parameters: Parameters) => (await onWrite(parameters)).preview;
    bench.put("/tmp/a", "old");
    bench.put("/tmp/file", "x");
    bench.put("/tmp/big", "x".repeat(LIMIT + 1));
    symlinkSync(bench.outside, bench.host("/tmp/link"));
    const cases: [string, RegExp][] = [
      ["/tmp/a", /exists, mode is create/],
      ["/tmp", /directory/],
      ["/tmp/link", /link/],
      ["/tmp/link/decoy.txt", /link/],
      ["/tmp/file/x", /not a directory/],
      ["/tmp/big", /1048577 bytes/],
    ];
    for (const [path, note] of cases) {
      expect(await preview({ path, content: "x" })).toMatchObject({
        diff: "",
        note: expect.stringMatching(note),
      });
    }
    expect((await onWrite({ path: "/tmp/link", content: "x" })).bound).toEqual({
      "file:/tmp/link": "unreadable",
    });
  });

  test("refuses what is wrong with the request itself", async () => {
    await expect(onWrite({ content: "x".repeat(LIMIT + 1) })).rejects.toMatchObject(
      failure("file_too_large"),
    );
    await expect(onWrite({ path: "/tmp/../a", content: "x" })).rejects.toMatchObject(
      failure("path_not_allowed"),
    );
  });

  test("changes nothing and leaks nothing", async () => {
    bench.put("/tmp/a", "old");
    const before = [tree(bench.workspace.workdir), openDescriptors()];
    await onWrite({ content: "x", mode: "overwrite" });
    await onWrite({ path: "/tmp/n/m", content: "x" });
    await onEdit("old", "new");
    expect([tree(bench.workspace.workdir), openDescriptors()]).toEqual(before);
  });
});

describe("inspecting fs.edit", () => {
  test("shows the change in its surroundings", async () => {
    bench.put("/tmp/a", "1\n2\n3\n");
    expect(await onEdit("2", "two")).toMatchObject({
      bound: { "file:/tmp/a": sha256("1\n2\n3\n") },
      riskFactors: [],
      preview: { diff: "--- /tmp/a\n+++ /tmp/a\n@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n" },
    });
  });

  test("shows of a large file the text that is replaced", async () => {
    bench.put("/tmp/a", `${"line\n".repeat(100_000)}here\n`);
    expect((await onEdit("here", "there")).preview).toMatchObject({
      diff: expect.stringContaining("-here\n\\ No newline at end of file\n+there\n"),
      truncated: true,
    });
  });

  test("I12 no match, several matches, no file: each a note", async () => {
    expect(await onEdit("x", "y")).toMatchObject({
      bound: { "file:/tmp/a": "absent" },
      preview: { diff: "", note: expect.stringMatching(/will fail: the file does not exist/) },
    });
    bench.put("/tmp/a", "aba");
    const note = async (text: string) => (await onEdit(text, "")).preview;
    expect(await note("x")).toMatchObject({ note: expect.stringMatching(/does not occur/) });
    expect(await note("a")).toMatchObject({ note: expect.stringMatching(/2 times/) });
  });
});
