import { createHash } from "node:crypto";
import { chmodSync, lstatSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Bench,
  failure,
  ioOf,
  openBench,
  openDescriptors,
} from "../../../test/support/drivers/embedded/fixtures.ts";
import { editFile } from "./edit.ts";
import { inspectEdit } from "./inspect.ts";

function hex(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench[Symbol.dispose]());

async function edit(
  old_text: string,
  new_text: string,
  bound: Record<string, string> = {},
  io = ioOf(),
): Promise<Record<string, unknown>> {
  return await editFile(bench.workspace, { path: "/tmp/a", old_text, new_text }, bound, io);
}

function content(): string {
  return readFileSync(bench.host("/tmp/a"), "utf8");
}

describe("fs.edit", () => {
  test("replaces the one place, and keeps the permission bits", async () => {
    bench.put("/tmp/a", "eins zwei drei");
    chmodSync(bench.host("/tmp/a"), 0o600);
    expect(await edit("zwei", "$& $1 zwö")).toEqual({
      path: "/tmp/a",
      size: 20,
      sha256: hex("eins $& $1 zwö drei"),
    });
    expect(content()).toBe("eins $& $1 zwö drei");
    expect(lstatSync(bench.host("/tmp/a")).mode & 0o777).toBe(0o600);
    expect(bench.names("/tmp")).toEqual(["a"]);
  });

  test("replaces in a long file, across the chunks it is read in", async () => {
    const chunk = 256 * 1024;
    const old = `${"x".repeat(chunk - 2)}HERE${"y".repeat(chunk)}`;
    bench.put("/tmp/a", old);
    await edit("HERE", "there");
    expect(content()).toBe(old.replace("HERE", "there"));
  });

  test("says how often the text occurs, overlaps counted, and changes nothing", async () => {
    bench.put("/tmp/a", "aaa");
    await expect(edit("b", "c")).rejects.toMatchObject(failure("text_not_found", /does not occur/));
    await expect(edit("aa", "c")).rejects.toMatchObject(failure("text_not_found", /2 times/));
    expect(content()).toBe("aaa");
  });

  test("refuses an empty text, a missing file and a result over the limit", async () => {
    bench.put("/tmp/a", "abc");
    await expect(edit("", "x")).rejects.toMatchObject(failure("invalid_request"));
    await expect(edit("b", "xxxx", {}, ioOf({ maxFileSize: 5 }))).rejects.toMatchObject(
      failure("file_too_large", /6 bytes/),
    );
    const missing = { path: "/tmp/none", old_text: "a", new_text: "b" };
    await expect(editFile(bench.workspace, missing, {}, ioOf())).rejects.toMatchObject(
      failure("file_not_found"),
    );
    expect(content()).toBe("abc");
  });

  test("I16 a file that changed since planning stays as it is", async () => {
    bench.put("/tmp/a", "one two");
    const parameters = { path: "/tmp/a", old_text: "two", new_text: "three" };
    const { bound } = await inspectEdit(bench.workspace, parameters, 1000);
    bench.put("/tmp/a", "one two!");
    await expect(edit("two", "three", { ...bound })).rejects.toMatchObject(
      failure("state_changed"),
    );
    expect(content()).toBe("one two!");
    bench.put("/tmp/a", "one two");
    await edit("two", "three", { ...bound });
    expect(content()).toBe("one three");
  });

  test("leaks no descriptor", async () => {
    bench.put("/tmp/a", "abc");
    const before = openDescriptors();
    await edit("b", "d");
    await expect(edit("b", "d")).rejects.toThrow();
    await inspectEdit(bench.workspace, { path: "/tmp/a", old_text: "a", new_text: "" }, 1000);
    expect(openDescriptors()).toBe(before);
  });
});
