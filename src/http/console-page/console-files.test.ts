import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConsoleFiles } from "./console-files.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "console-files-"));
  mkdirSync(join(folder, "dist/console/assets"), { recursive: true });
  mkdirSync(join(folder, "src/http"), { recursive: true });
  const put = (name: string, text: string) =>
    writeFileSync(join(folder, "dist/console", name), text);
  put("index.html", "page");
  put("index.html.br", "brotli");
  put("index.html.gz", "gzip");
  put("assets/a.js", "script");
  put("assets/a.js.gz", "gzip");
  put("assets/notes.txt", "not ours");
  writeFileSync(join(folder, "secret.js"), "secret");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const files = (from = "src/http") => {
  const found = ConsoleFiles.find(join(folder, from));
  if (found === undefined) throw new Error("not found");
  return found;
};

describe("the built page", () => {
  it.each(["src/http", "dist", "."])("is found from %s", async (from) => {
    expect((await files(from).read("index.html", undefined))?.bytes.toString()).toBe("page");
  });

  it("is not found where it was not built", () => {
    expect(ConsoleFiles.find(tmpdir())).toBeUndefined();
  });

  it.each([
    ["gzip, br", "brotli", "br"],
    ["gzip", "gzip", "gzip"],
    ["br;q=0, gzip;q=0.5", "gzip", "gzip"],
    ["br;q=0.0", "page", undefined],
    ["", "page", undefined],
    ["brotli, xgzip", "page", undefined],
  ])("for %j is %s", async (accepted, text, encoding) => {
    const file = await files().read("index.html", accepted);
    expect([file?.bytes.toString(), file?.encoding]).toEqual([text, encoding]);
    expect(file?.type).toBe("text/html; charset=utf-8");
  });

  it("falls back where one coding was not made", async () => {
    expect((await files().read("assets/a.js", "br, gzip"))?.encoding).toBe("gzip");
  });

  it.each([
    "assets/../../../secret.js",
    "../../secret.js",
    "assets/notes.txt",
    "assets",
    "assets/a.js.gz",
    "",
  ])("serves no %j", async (name) => {
    expect(await files().read(name, undefined)).toBeUndefined();
  });
});
