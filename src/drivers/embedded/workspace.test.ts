import {
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SANDBOX_ID } from "../../lib/sandbox-user.ts";
import { openWorkspace, problemWith, type Workspace } from "./workspace.ts";

const isRoot = process.geteuid?.() === 0;

let base: string;
let opened: Workspace[];
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "bytebot-world-"));
  opened = [];
});
afterEach(() => {
  for (const workspace of opened) workspace[Symbol.dispose]();
  rmSync(base, { recursive: true, force: true });
});

function open(workdir: string): Workspace {
  const workspace = openWorkspace(workdir);
  opened.push(workspace);
  return workspace;
}

describe("WORKDIR", () => {
  test("is made with the layout, for its owner alone", () => {
    const workdir = join(base, "a/b");
    open(workdir);
    expect(lstatSync(workdir).mode & 0o777).toBe(0o700);
    for (const path of ["tmp", "home/user/Desktop"]) {
      const stats = lstatSync(join(workdir, path));
      expect(stats.isDirectory()).toBe(true);
      expect(stats.uid).toBe(isRoot ? SANDBOX_ID : process.geteuid?.());
    }
  });

  test("opens again with all that is in it", () => {
    const workdir = join(base, "w");
    open(workdir);
    writeFileSync(join(workdir, "tmp/a"), "x");
    open(workdir);
    expect(lstatSync(join(workdir, "tmp/a")).size).toBe(1);
  });

  test("must be no link, no file, and nothing may stand in place of its layout", () => {
    mkdirSync(join(base, "real"));
    symlinkSync("real", join(base, "link"));
    writeFileSync(join(base, "file"), "");
    mkdirSync(join(base, "odd"));
    symlinkSync("/tmp", join(base, "odd/tmp"));
    expect(() => open(join(base, "link"))).toThrow(/^WORKDIR: .*link is a link/);
    expect(() => open(join(base, "file"))).toThrow(/^WORKDIR: .*ENOTDIR/);
    expect(() => open(join(base, "file/below"))).toThrow(/^WORKDIR: /);
    expect(() => open(join(base, "odd"))).toThrow(/^WORKDIR: .*\/tmp is a link/);
  });

  test.runIf(isRoot)("must not be another user's (needs root to make one)", () => {
    const workdir = join(base, "theirs");
    mkdirSync(workdir);
    chownSync(workdir, 12_345, 12_345);
    expect(() => open(workdir)).toThrow(/^WORKDIR: .*another user \(uid 12345\)/);
  });

  test.skipIf(isRoot)("must not be another user's (root may take over root's)", () => {
    expect(() => open("/usr")).toThrow(/^WORKDIR: .*another user \(uid 0\)/);
  });

  test.runIf(isRoot)("root's own becomes the sandbox's (needs root)", () => {
    const workdir = join(base, "ours");
    mkdirSync(workdir);
    open(workdir);
    expect(lstatSync(workdir)).toMatchObject({ uid: SANDBOX_ID, gid: SANDBOX_ID });
  });

  test("needs Linux", () => {
    const platform = vi.spyOn(process, "platform", "get").mockReturnValue("darwin");
    expect(() => open(join(base, "w"))).toThrow(/^WORKDIR: the embedded driver needs Linux/);
    platform.mockRestore();
  });

  test("is watched for being replaced or lost", () => {
    const workdir = join(base, "w");
    const workspace = open(workdir);
    expect(problemWith(workspace)).toBeUndefined();
    renameSync(workdir, `${workdir}.moved`);
    expect(problemWith(workspace)).toMatchObject({ detail: expect.stringContaining("ENOENT") });
    mkdirSync(workdir);
    expect(problemWith(workspace)).toMatchObject({ detail: expect.stringContaining("replaced") });
    rmSync(workdir, { recursive: true });
    renameSync(`${workdir}.moved`, workdir);
    expect(problemWith(workspace)).toBeUndefined();
  });
});
