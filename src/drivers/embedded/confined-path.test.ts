import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Bench,
  DECOY,
  failure,
  openBench,
  openDescriptors,
  tree,
} from "../../../test/support/drivers/embedded/fixtures.ts";
import { GatewayError } from "../../contract/errors.ts";
import { readStretch } from "./file-bytes.ts";
import { findTarget, openTarget } from "./open-target.ts";

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench[Symbol.dispose]());

function read(path: string): string {
  using file = openTarget(bench.workspace.root, path);
  return readStretch(file, 0, 1000).toString();
}

function refused(code: string, detail?: RegExp): unknown {
  return expect.objectContaining(failure(code, detail));
}

describe("the walk", () => {
  test("opens a regular file, whatever ordinary characters its name has", () => {
    for (const name of ["a.txt", "b\\..\\c", "ü 漢字", "-rf", "~", "%2e%2e", "new\nline"]) {
      bench.put(`/tmp/${name}`, name);
      expect(read(`/tmp/${name}`)).toBe(name);
    }
  });

  test("finds nothing where there is nothing", () => {
    expect(findTarget(bench.workspace.root, "/tmp/none")).toBeUndefined();
    expect(findTarget(bench.workspace.root, "/none/none")).toBeUndefined();
    expect(() => read("/tmp/none")).toThrow(refused("file_not_found"));
  });

  test("refuses a link on the way, in the workspace or out of it, and says which it was", () => {
    bench.put("/tmp/real/a.txt", "real");
    symlinkSync("real", bench.host("/tmp/inner"));
    symlinkSync(bench.outside, bench.host("/tmp/outer"));
    symlinkSync("/nowhere", bench.host("/tmp/dangling"));
    for (const name of ["inner", "outer", "dangling"]) {
      expect(() => read(`/tmp/${name}/decoy.txt`)).toThrow(
        refused("path_not_allowed", new RegExp(`^/tmp/${name} is a link`)),
      );
      expect(() => bench.workspace.root.openDirectory(`/tmp/${name}/new`, () => {})).toThrow(
        refused("path_not_allowed"),
      );
    }
    expect(readdirSync(bench.outside)).toEqual(["decoy.txt"]);
  });

  test("refuses as a leaf whatever is not a regular file with one name", async () => {
    bench.put("/tmp/file", "x");
    linkSync(bench.host("/tmp/file"), bench.host("/tmp/second-name"));
    symlinkSync(`${bench.outside}/decoy.txt`, bench.host("/tmp/link"));
    mkdirSync(bench.host("/tmp/directory"));
    execFileSync("mkfifo", [bench.host("/tmp/pipe")]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(bench.host("/tmp/s"), resolve));
    for (const [name, kind] of Object.entries({
      "second-name": /hard links/,
      link: /a link/,
      directory: /a directory/,
      pipe: /a named pipe/,
      s: /a socket/,
    })) {
      expect(() => read(`/tmp/${name}`)).toThrow(refused("not_a_file", kind));
    }
    await new Promise((resolve) => server.close(resolve));
    expect(() => read("/")).toThrow(refused("not_a_file"));
  });

  test("refuses a file as a directory", () => {
    bench.put("/tmp/file", "x");
    expect(() => read("/tmp/file/a")).toThrow(refused("not_a_file", /file is not a directory/));
    expect(() => bench.workspace.root.openDirectory("/tmp/file/a", () => {})).toThrow(
      refused("not_a_file"),
    );
  });

  test("stays in a directory that was opened, whatever becomes of its path", () => {
    bench.put("/tmp/d/decoy.txt", "inside");
    using directory = bench.workspace.root.openDirectory("/tmp/d");
    rmSync(bench.host("/tmp/d/decoy.txt"));
    rmSync(bench.host("/tmp/d"), { recursive: true });
    symlinkSync(bench.outside, bench.host("/tmp/d"));
    expect(
      bench.workspace.root.openFile(directory, "decoy.txt", "/tmp/d/decoy.txt"),
    ).toBeUndefined();
    expect(() => writeFileSync(directory.at("new"), "x")).toThrow(/ENOENT/);
    expect(readdirSync(bench.outside)).toEqual(["decoy.txt"]);
  });

  test("makes missing directories, names each and gives them to the workspace's owner", () => {
    const made: string[] = [];
    bench.workspace.root.openDirectory("/tmp/a/b/c", (path) => made.push(path))[Symbol.dispose]();
    expect(made).toEqual(["/tmp/a", "/tmp/a/b", "/tmp/a/b/c"]);
    using again = bench.workspace.root.openDirectory("/tmp/a/b/c", (path) => made.push(path));
    expect(again.self).toMatch(/^\/proc\/self\/fd\/\d+$/);
    expect(made).toHaveLength(3);
  });

  test("opens nothing once it is disposed", () => {
    const other = openBench();
    other[Symbol.dispose]();
    expect(() => other.workspace.root.openDirectory("/")).toThrow();
  });

  test("leaks no descriptor, also where it fails", () => {
    bench.put("/tmp/a.txt", "x");
    bench.put("/tmp/one/two/three.txt", "x");
    symlinkSync(bench.outside, bench.host("/tmp/one/link"));
    execFileSync("mkfifo", [bench.host("/tmp/pipe")]);
    const before = openDescriptors();
    for (let round = 0; round < 50; round++) {
      expect(read("/tmp/one/two/three.txt")).toBe("x");
      for (const path of ["/", "/tmp", "/tmp/pipe", "/tmp/a.txt/b", "/tmp/one/link/x", "/x/y"]) {
        expect(() => read(path)).toThrow(GatewayError);
      }
      expect(() => bench.workspace.root.openDirectory("/tmp/a.txt/n", () => {})).toThrow();
      bench.workspace.root.openDirectory(`/tmp/n${round}/m`, () => {})[Symbol.dispose]();
    }
    expect(openDescriptors()).toBe(before);
  });
});

test("whatever the path, nothing outside is reached or made", () => {
  symlinkSync(bench.outside, bench.host("/tmp/out"));
  symlinkSync("/", bench.host("/home/root"));
  const beside = tree(bench.outside);
  const piece = fc.constantFrom(
    "..",
    ".",
    "/",
    "tmp",
    "home",
    "out",
    "root",
    "decoy.txt",
    "\\",
    "\0",
  );
  const path = fc.array(fc.oneof(piece, fc.string({ unit: "binary", maxLength: 4 })), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(path, fc.constantFrom("/", ""), (pieces, glue) => {
      const candidate = `/${pieces.join(glue)}`;
      try {
        expect(read(candidate)).not.toBe(DECOY);
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
      }
      try {
        bench.workspace.root.openDirectory(candidate, () => {})[Symbol.dispose]();
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
      }
    }),
    { numRuns: 300 },
  );
  expect(tree(bench.outside)).toEqual(beside);
  expect(readdirSync(`${bench.outside}/..`).sort()).toEqual(["outside", "workspace"]);
});
