import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GatewayError } from "../contract/errors.ts";
import { fsEdit, fsList, fsRead, fsWrite } from "./fs.ts";

const raisesOf = (path: string, content = "text", encoding = "utf8") =>
  fsWrite.riskFactors({ path, content, encoding }).map(({ by }) => by);

/** The settled path, or undefined where it is refused as it should be. */
function settledOrRefused(path: string): string | undefined {
  try {
    return String(fsRead.normalise({ path }).path);
  } catch (error) {
    if (error instanceof GatewayError && error.code === "invalid_request") return undefined;
    throw error;
  }
}

describe("paths", () => {
  test.each([
    ["/tmp//x/../test.txt", "/tmp/test.txt"],
    ["notes.txt", "/home/user/Desktop/notes.txt"],
    ["../../../../etc/passwd", "/etc/passwd"],
    ["~/x", "/home/user/Desktop/~/x"],
    ["/tmp/", "/tmp"],
    ["/..", "/"],
  ])("%s is settled as %s", (path, settled) => {
    for (const capability of [fsRead, fsList]) {
      expect(capability.normalise({ path })).toMatchObject({ path: settled });
    }
  });

  test.each([
    "/tmp/\0",
    "/tmp/a\nb",
    "/tmp/\u0085",
    "/tmp/\udfff",
    `/${"a".repeat(256)}`,
    `/${"é/".repeat(2000)}`,
  ])("I1 %j is refused", (path) => {
    expect(() => fsRead.normalise({ path })).toThrow(
      expect.objectContaining({ code: "invalid_request" }),
    );
  });

  test("I1 what is settled has no dots, no doubled slashes, and stays what it is", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("..", ".", "", "a", "tmp", "…", " ")), (parts) => {
        const path = parts.join("/") || "/";
        const settled = String(fsList.normalise({ path }).path);
        expect(settled).toMatch(
          /^\/(?:(?!\.{1,2}(?:\/|$))[^/]+(?:\/(?!\.{1,2}(?:\/|$))[^/]+)*)?$/u,
        );
      }),
    );
  });

  const corpus = new URL("../../../shared/corpora/traversal.txt", import.meta.url);
  test.skipIf(!existsSync(corpus))(
    "I1 traversal strings are settled or refused (needs the corpora)",
    () => {
      const lines = readFileSync(corpus, "utf8").split("\n").filter(Boolean);
      const climbing = lines
        .flatMap((line) => [line, `/tmp/${line}`])
        .filter((path) => settledOrRefused(path)?.split("/").includes(".."));
      expect(climbing).toEqual([]);
    },
  );
});

test("the documented summary, and those of the other ways to read and write", () => {
  expect(fsRead.summary({ path: "/tmp/test.txt" })).toBe("Read contents of /tmp/test.txt");
  expect(fsRead.summary(fsRead.normalise({ path: "/tmp/test.txt" }))).toBe(
    "Read contents of /tmp/test.txt",
  );
  expect(fsRead.summary({ path: "/a", offset: 5, length: 1 })).toBe(
    "Read 1 byte of /a from byte 5",
  );
  expect(fsWrite.summary(fsWrite.normalise({ path: "/a", content: "é" }))).toBe(
    "Write 2 bytes to the new file /a",
  );
  expect(fsWrite.summary({ path: "/a", content: "YQ==", encoding: "base64", mode: "append" })).toBe(
    "Append 1 byte to /a",
  );
  expect(fsEdit.summary({ path: "/a", old_text: "ab", new_text: "c" })).toBe(
    "Replace 2 characters of /a by 1",
  );
});

test("I8 a path that would mislead is quoted and visible", () => {
  expect(fsRead.summary({ path: "/tmp/a\u202egnp.exe" })).toBe(
    'Read contents of "/tmp/a⟦U+202E⟧gnp.exe"',
  );
  expect(fsRead.summary({ path: "/tmp/a " })).toBe('Read contents of "/tmp/a "');
});

describe("content", () => {
  test.each(["YQ==", "", "AAEC"])("base64 %j is taken", (content) => {
    expect(fsWrite.normalise({ path: "/a", content, encoding: "base64" })).toMatchObject({
      content,
      mode: "create",
    });
  });

  test.each(["YQ=", "YQ", "YR==", "Y Q==", "YQ==\n", "-_8=", "YQ==YQ=="])(
    "base64 %j is refused",
    (content) => {
      expect(() => fsWrite.normalise({ path: "/a", content, encoding: "base64" })).toThrow(
        /canonical base64/,
      );
    },
  );

  test("its size is that of its bytes, whatever the encoding", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const content = Buffer.from(bytes).toString("base64");
        const settled = fsWrite.normalise({ path: "/a", content, encoding: "base64" });
        expect(fsWrite.facts(settled).contentSize).toBe(bytes.length);
      }),
    );
    expect(fsWrite.facts({ path: "/a", content: "日本", encoding: "utf8" })).toEqual({
      path: "/a",
      contentSize: 6,
    });
  });

  test("text with half a character is refused, a change that changes nothing too", () => {
    expect(() => fsWrite.normalise({ path: "/a", content: "\ud800" })).toThrow(/surrogate/);
    expect(() => fsEdit.normalise({ path: "/a", old_text: "a", new_text: "a" })).toThrow(/equals/);
  });

  test("previews show all of it, and lines keep their sign", () => {
    expect(fsWrite.preview({ path: "/a", content: "aGk=", encoding: "base64" })).toEqual({
      kind: "text",
      text: "hi",
    });
    expect(fsWrite.preview({ path: "/a", content: "/w==", encoding: "base64" })).toEqual({
      kind: "text",
      text: expect.stringMatching(/^1 byte that are no text, sha256:[0-9a-f]{64}$/),
    });
    expect(fsEdit.preview({ path: "/a", old_text: "x\n+y", new_text: "z\n" })).toMatchObject({
      kind: "diff",
      diff: "@@ passage @@\n-x\n-+y\n+z\n",
    });
  });
});

describe("files that can run code are of high risk", () => {
  test.each([
    "/tmp/a.sh",
    "/tmp/a.PY",
    "/tmp/a.tar.js",
    "/tmp/x.desktop",
    "/tmp/x.service",
    "/home/user/.bashrc",
    "/home/user/.profile",
    "/home/user/.zlogin",
    "/home/user/.foorc",
    "/tmp/Makefile",
    "/tmp/package.json",
    "/etc/crontab",
    "/etc/cron.d/job",
    "/home/user/bin/tool",
    "/home/user/.local/bin/x",
    "/p/.git/hooks/pre-commit",
    "/home/user/.ssh/authorized_keys",
    "/home/user/.config/autostart/x",
    "/usr/lib/python3/site-packages/x.pth",
  ])("%s", (path) => {
    expect(raisesOf(path)).toEqual(["high"]);
    expect(fsEdit.riskFactors({ path, old_text: "a", new_text: "b" })).toMatchObject([
      { by: "high" },
    ]);
  });

  test.each(["#!/bin/sh\n", "\u007fELF", "MZ"])("content %j, in either encoding", (content) => {
    expect(raisesOf("/tmp/a", content)).toEqual(["high"]);
    expect(raisesOf("/tmp/a", Buffer.from(content).toString("base64"), "base64")).toEqual(["high"]);
  });

  test.each([
    "/tmp/a.txt",
    "/tmp/notes.md",
    "/tmp/sh",
    "/tmp/binary.txt",
    "/home/user/Desktop/report.csv",
    "/tmp/.hidden",
  ])("%s is not", (path) => {
    expect(raisesOf(path)).toEqual([]);
  });
});
