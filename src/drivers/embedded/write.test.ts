import { createHash } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Bench,
  DECOY,
  failure,
  ioOf,
  openBench,
  openDescriptors,
} from "../../../test/support/drivers/embedded/fixtures.ts";
import type { Parameters } from "../../contract/task.ts";
import { inspectWrite } from "./inspect.ts";
import { writeFile } from "./write.ts";

function hex(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench[Symbol.dispose]());

async function write(
  parameters: Parameters,
  bound: Record<string, string> = {},
  io = ioOf(),
): Promise<Record<string, unknown>> {
  return await writeFile(bench.workspace, parameters, bound, io);
}

function contentOf(path: string): string {
  return readFileSync(bench.host(path), "utf8");
}

describe("fs.write", () => {
  test("creates a file and the directories above it, owned by the workspace's owner", async () => {
    const result = await write({ path: "/home/user/a/b/c.txt", content: "hellö" });
    expect(result).toEqual({ path: "/home/user/a/b/c.txt", size: 6, sha256: hex("hellö") });
    expect(contentOf("/home/user/a/b/c.txt")).toBe("hellö");
    expect(bench.names("/home/user/a/b")).toEqual(["c.txt"]);
    const owner = bench.workspace.owner?.uid ?? process.geteuid?.();
    for (const path of ["/home/user/a", "/home/user/a/b", "/home/user/a/b/c.txt"]) {
      expect(lstatSync(bench.host(path)).uid).toBe(owner);
    }
    expect(lstatSync(bench.host("/home/user/a/b/c.txt")).nlink).toBe(1);
  });

  test("mode create, the default, never replaces", async () => {
    bench.put("/tmp/a", "old");
    for (const mode of [{}, { mode: "create" }]) {
      await expect(write({ path: "/tmp/a", content: "new", ...mode })).rejects.toMatchObject(
        failure("file_exists"),
      );
    }
    expect(contentOf("/tmp/a")).toBe("old");
    expect(bench.names("/tmp")).toEqual(["a"]);
  });

  test("mode overwrite replaces and keeps the permission bits; it also creates", async () => {
    bench.put("/tmp/a", "old");
    chmodSync(bench.host("/tmp/a"), 0o4750);
    await write({ path: "/tmp/a", content: "new", mode: "overwrite" });
    expect(contentOf("/tmp/a")).toBe("new");
    expect(lstatSync(bench.host("/tmp/a")).mode & 0o7777).toBe(0o750);
    await write({ path: "/tmp/b", content: "", mode: "overwrite" });
    expect(contentOf("/tmp/b")).toBe("");
  });

  test("mode append adds to the end, and creates", async () => {
    const parameters = { path: "/tmp/log", mode: "append" };
    await write({ ...parameters, content: "one\n" });
    expect(await write({ ...parameters, content: "two\n" })).toEqual({
      path: "/tmp/log",
      size: 8,
      sha256: hex("one\ntwo\n"),
    });
    expect(contentOf("/tmp/log")).toBe("one\ntwo\n");
  });

  test("appends to a long file without loss", async () => {
    const old = Buffer.alloc(1_500_000, "0123456789\n");
    bench.put("/tmp/long", old);
    await write({ path: "/tmp/long", mode: "append", content: "end" });
    expect(readFileSync(bench.host("/tmp/long"))).toEqual(Buffer.concat([old, Buffer.from("end")]));
  });

  test("takes bytes as base64, and refuses what is none", async () => {
    const parameters = { path: "/tmp/a", encoding: "base64" };
    await write({ ...parameters, content: "AP8=" });
    expect(readFileSync(bench.host("/tmp/a"))).toEqual(Buffer.from([0, 255]));
    for (const content of ["AP8", "A P8=", "AP8=x", "A-_=", "AP9="]) {
      await expect(write({ ...parameters, path: "/tmp/b", content })).rejects.toMatchObject(
        failure("invalid_request", /base64/),
      );
    }
    expect(bench.names("/tmp")).toEqual(["a"]);
  });

  test("refuses more than the limit before it writes; append counts the whole file", async () => {
    const io = ioOf({ maxFileSize: 10 });
    await expect(
      write({ path: "/tmp/d/a", content: "x".repeat(11) }, {}, io),
    ).rejects.toMatchObject(failure("file_too_large", /11 bytes .* 10/));
    bench.put("/tmp/log", "123456");
    await expect(
      write({ path: "/tmp/log", content: "78901", mode: "append" }, {}, io),
    ).rejects.toMatchObject(failure("file_too_large"));
    expect(contentOf("/tmp/log")).toBe("123456");
    expect(bench.names("/tmp")).toEqual(["log"]);
  });

  test("never writes through a link, at the leaf or on the way", async () => {
    symlinkSync(`${bench.outside}/decoy.txt`, bench.host("/tmp/leaf"));
    symlinkSync(bench.outside, bench.host("/tmp/way"));
    for (const mode of ["create", "overwrite", "append"]) {
      await expect(write({ path: "/tmp/leaf", content: "x", mode })).rejects.toMatchObject(
        failure("not_a_file"),
      );
      for (const path of ["/tmp/way/decoy.txt", "/tmp/way/new", "/tmp/way/new/a"]) {
        await expect(write({ path, content: "x", mode })).rejects.toMatchObject(
          failure("path_not_allowed"),
        );
      }
    }
    expect(readFileSync(`${bench.outside}/decoy.txt`, "utf8")).toBe(DECOY);
    expect(bench.names("/tmp")).toEqual(["leaf", "way"]);
  });

  test("names a directory for what it is", async () => {
    await expect(write({ path: "/tmp", content: "x", mode: "overwrite" })).rejects.toMatchObject(
      failure("not_a_file"),
    );
    await expect(write({ path: "/", content: "x" })).rejects.toMatchObject(failure("not_a_file"));
  });

  test("aborted, it leaves everything as it was, directories too", async () => {
    bench.put("/tmp/log", "x".repeat(2_000_000));
    const stop = new AbortController();
    const io = { ...ioOf(), signal: stop.signal };
    const before = openDescriptors();
    const late = write({ path: "/tmp/n/m/a", content: "x" }, {}, io);
    const append = write({ path: "/tmp/log", content: "y", mode: "append" }, {}, io);
    stop.abort();
    for (const result of await Promise.allSettled([late, append])) {
      expect(result).toMatchObject({ status: "rejected", reason: failure("task_cancelled") });
    }
    expect(bench.names("/tmp")).toEqual(["log"]);
    expect(lstatSync(bench.host("/tmp/log")).size).toBe(2_000_000);
    expect(openDescriptors()).toBe(before);
  });

  test("of fifty at once in mode create exactly one succeeds", async () => {
    const tries = Array.from({ length: 50 }, (_, index) =>
      write({ path: "/tmp/once", content: `${index}` }),
    );
    const results = await Promise.allSettled(tries);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const result of results) {
      if (result.status === "rejected") expect(result.reason).toMatchObject(failure("file_exists"));
    }
    expect(bench.names("/tmp")).toEqual(["once"]);
  });
});

describe("I16 what was bound at planning must still hold", () => {
  async function planned(parameters: Parameters): Promise<Record<string, string>> {
    return { ...(await inspectWrite(bench.workspace, parameters, 1_000_000)).bound };
  }

  test.each(["create", "overwrite", "append"])("mode %s where nothing changed", async (mode) => {
    if (mode !== "create") bench.put("/tmp/a", "old");
    const parameters = { path: "/tmp/a", content: "new", mode };
    await write(parameters, await planned(parameters));
    expect(contentOf("/tmp/a")).toBe(mode === "append" ? "oldnew" : "new");
  });

  const changes: [string, () => void][] = [
    ["changed", () => bench.put("/tmp/a", "other")],
    [
      "was replaced by a link",
      () => {
        renameSync(bench.host("/tmp/a"), bench.host("/tmp/moved"));
        symlinkSync("moved", bench.host("/tmp/a"));
      },
    ],
    ["went", () => renameSync(bench.host("/tmp/a"), bench.host("/tmp/moved"))],
  ];
  test.each(changes)("a file that %s", async (_what, change) => {
    for (const mode of ["overwrite", "append"]) {
      bench.put("/tmp/a", "old");
      const parameters = { path: "/tmp/a", content: "new", mode };
      const bound = await planned(parameters);
      change();
      const now = bench.names("/tmp");
      await expect(write(parameters, bound)).rejects.toMatchObject(failure("state_changed"));
      expect(bench.names("/tmp")).toEqual(now);
      for (const name of now) renameSync(bench.host(`/tmp/${name}`), bench.host(`/home/${name}`));
    }
  });

  test("a file that came, in every mode", async () => {
    for (const mode of ["create", "overwrite", "append"]) {
      const parameters = { path: `/tmp/${mode}`, content: "new", mode };
      const bound = await planned(parameters);
      expect(bound).toEqual({ [`file:/tmp/${mode}`]: "absent" });
      bench.put(`/tmp/${mode}`, "rival");
      await expect(write(parameters, bound)).rejects.toMatchObject(failure("state_changed"));
      expect(contentOf(`/tmp/${mode}`)).toBe("rival");
    }
  });

  test("what could not be read at planning and can be now", async () => {
    mkdirSync(bench.host("/tmp/a"));
    const parameters = { path: "/tmp/a", content: "new", mode: "overwrite" };
    const bound = await planned(parameters);
    await expect(write(parameters, bound)).rejects.toMatchObject(failure("not_a_file"));
    renameSync(bench.host("/tmp/a"), bench.host("/tmp/b"));
    writeFileSync(bench.host("/tmp/a"), "now a file");
    await expect(write(parameters, bound)).rejects.toMatchObject(failure("state_changed"));
    expect(contentOf("/tmp/a")).toBe("now a file");
  });

  test("of fifty at once over the same state exactly one succeeds", async () => {
    const parameters = { path: "/tmp/a", mode: "overwrite" };
    const bound = await planned({ ...parameters, content: "" });
    const tries = Array.from({ length: 50 }, (_, index) =>
      write({ ...parameters, content: `${index}` }, bound),
    );
    const results = await Promise.allSettled(tries);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const result of results) {
      if (result.status === "rejected") {
        expect(result.reason).toMatchObject(failure("state_changed"));
      }
    }
    expect(bench.names("/tmp")).toEqual(["a"]);
  });
});
