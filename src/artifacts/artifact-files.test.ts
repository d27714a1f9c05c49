import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import { ArtifactFiles } from "./artifact-files.ts";

describe("ArtifactFiles", () => {
  it("keeps bytes and streams under random names, for itself alone", async () => {
    const { files, folder } = await setUp();
    const whole = await files.write(Buffer.from("hello"), 5);
    const streamed = await files.write(chunks("he", "", "llo"), 5);
    const empty = await files.write(new Uint8Array(), 0);
    for (const [{ id, size }, text] of [
      [whole, "hello"],
      [streamed, "hello"],
      [empty, ""],
    ] as const) {
      expect(id).toMatch(/^artifact_[A-Za-z0-9_-]{22}$/);
      const opened = await files.open(id);
      expect([size, opened.size]).toEqual([text.length, text.length]);
      expect((await buffer(opened.stream)).toString()).toBe(text);
      expect(statSync(join(folder, id)).mode & 0o777).toBe(0o600);
    }
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder)).toHaveLength(3);
  });

  it("stops a stream as soon as it is too large, and leaves nothing", async () => {
    const { files, folder } = await setUp();
    let closed = false;
    async function* endless() {
      try {
        for (;;) yield new Uint8Array(1000);
      } finally {
        closed = true;
      }
    }
    await expect(files.write(endless(), 10_500)).rejects.toMatchObject({ code: "file_too_large" });
    await expect(files.write(Buffer.from("123456"), 5)).rejects.toMatchObject({
      code: "file_too_large",
    });
    expect(closed).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("passes on what a stream fails with, and leaves nothing", async () => {
    const { files, folder } = await setUp();
    async function* failing() {
      yield new Uint8Array(10);
      throw new Error("the desktop is gone");
    }
    await expect(files.write(failing(), 100)).rejects.toThrow("the desktop is gone");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("says audit_unavailable where the disk refuses", async () => {
    const { files, folder } = await setUp();
    rmSync(folder, { recursive: true });
    await expect(files.write(new Uint8Array(1), 1)).rejects.toMatchObject({
      code: "audit_unavailable",
    });
  });

  it("I14 opens nothing but its own regular files", async () => {
    const { files, folder } = await setUp();
    writeFileSync(join(folder, "other"), "secret");
    const link = `artifact_${"l".repeat(22)}`;
    symlinkSync("other", join(folder, link));
    for (const id of ["other", "../other", link, `artifact_${"n".repeat(22)}`, ""]) {
      await expect(files.open(id)).rejects.toMatchObject({ code: "artifact_not_found" });
    }
    await files.remove(["other", "../other"]);
    expect(readFileSync(join(folder, "other"), "utf8")).toBe("secret");
  });

  it("removes what it is told to, whether it is there or not", async () => {
    const { files, folder } = await setUp();
    const { id } = await files.write(new Uint8Array(1), 1);
    await files.remove([id, `artifact_${"n".repeat(22)}`]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("sweeps what a crash left, and nothing that is known, new or not its own", async () => {
    const { files: before, folder } = await setUp();
    const [known, orphan] = [
      await before.write(Buffer.from("k"), 1),
      await before.write(Buffer.from("o"), 1),
    ];
    writeFileSync(join(folder, `${orphan.id}.tmp`), "half");
    writeFileSync(join(folder, "notes.txt"), "an operator's");
    for (const name of readdirSync(folder)) utimesSync(join(folder, name), 1, 1);
    const files = await ArtifactFiles.open(folder);
    const fresh = await files.write(Buffer.from("n"), 1);
    expect(await files.sweep(new Set([known.id]))).toBe(2);
    expect(readdirSync(folder).toSorted()).toEqual([known.id, fresh.id, "notes.txt"].toSorted());
  });
});

async function* chunks(...texts: readonly string[]): AsyncIterable<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function setUp(): Promise<{ files: ArtifactFiles; folder: string }> {
  const parent = mkdtempSync(join(tmpdir(), "gateway-artifacts-"));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  const folder = join(parent, "artifacts");
  return { files: await ArtifactFiles.open(folder), folder };
}
