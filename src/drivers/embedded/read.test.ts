import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Bench,
  failure,
  ioOf,
  openBench,
  openDescriptors,
} from "../../../test/support/drivers/embedded/fixtures.ts";
import { MAX_INLINE } from "../files/read-source.ts";
import { readFile } from "./read.ts";

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench[Symbol.dispose]());

const PNG = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");

describe("fs.read", () => {
  test("answers text, its size in bytes and its media type", async () => {
    bench.put("/tmp/note.md", "# Ünï\n");
    expect(await readFile(bench.workspace.root, { path: "/tmp/note.md" }, ioOf())).toEqual({
      content: "# Ünï\n",
      encoding: "utf8",
      size: 8,
      media_type: "text/markdown",
    });
  });

  test("keeps a byte order mark and every control character", async () => {
    const content = "\ufeffa\0b\r\n\x1b[31m";
    bench.put("/tmp/a", content);
    const result = await readFile(bench.workspace.root, { path: "/tmp/a" }, ioOf());
    expect(result.content).toBe(content);
  });

  test("answers bytes as base64", async () => {
    const bytes = randomBytes(1000);
    bench.put("/tmp/b.bin", bytes);
    const parameters = { path: "/tmp/b.bin", encoding: "base64" };
    expect(await readFile(bench.workspace.root, parameters, ioOf())).toMatchObject({
      content: bytes.toString("base64"),
      encoding: "base64",
      size: 1000,
    });
  });

  test("says of what is not UTF-8 how to read it", async () => {
    bench.put("/tmp/b.bin", Buffer.from([0x61, 0xff, 0x62]));
    await expect(
      readFile(bench.workspace.root, { path: "/tmp/b.bin" }, ioOf()),
    ).rejects.toMatchObject({
      code: "invalid_request",
      extras: { hint: expect.stringContaining("base64") },
    });
  });

  test("keeps more than 64 KB as an artifact, whole and byte for byte", async () => {
    const text = "zwölf Boxkämpfer\n".repeat(50_000);
    bench.put("/tmp/long.txt", text);
    const io = ioOf();
    const result = await readFile(bench.workspace.root, { path: "/tmp/long.txt" }, io);
    expect(result).toMatchObject({ content: null, size: Buffer.byteLength(text) });
    expect(io.kept).toEqual([
      { name: "long.txt", mediaType: "text/plain", content: Buffer.from(text) },
    ]);
  });

  test("64 KB itself is still answered, one byte more is not", async () => {
    bench.put("/tmp/a", "x".repeat(MAX_INLINE + 1));
    const io = ioOf();
    const exact = { path: "/tmp/a", length: MAX_INLINE };
    expect((await readFile(bench.workspace.root, exact, io)).content).toHaveLength(MAX_INLINE);
    expect((await readFile(bench.workspace.root, { path: "/tmp/a" }, io)).content).toBeNull();
    expect(io.kept).toHaveLength(1);
  });

  test("finds in the middle of a long file that it is not UTF-8", async () => {
    bench.put("/tmp/long", Buffer.concat([Buffer.alloc(300_000, "a"), Buffer.from([0xc3, 0x28])]));
    const io = ioOf();
    await expect(readFile(bench.workspace.root, { path: "/tmp/long" }, io)).rejects.toMatchObject(
      failure("invalid_request", /not UTF-8/),
    );
    expect(io.kept).toEqual([]);
  });

  test("keeps every image as an artifact, by its bytes and not by its name", async () => {
    bench.put("/tmp/picture", PNG);
    bench.put("/tmp/page.png", "<script>");
    const io = ioOf();
    expect(await readFile(bench.workspace.root, { path: "/tmp/picture" }, io)).toMatchObject({
      content: null,
      media_type: "image/png",
    });
    expect(io.kept).toEqual([{ name: "picture", mediaType: "image/png", content: PNG }]);
    expect(await readFile(bench.workspace.root, { path: "/tmp/page.png" }, io)).toMatchObject({
      content: "<script>",
      media_type: "text/plain",
    });
  });

  test("refuses a file over the limit before it reads any of it, with both sizes", async () => {
    bench.put("/tmp/big", "x".repeat(1001));
    const io = ioOf({ maxFileSize: 1000 });
    await expect(
      readFile(bench.workspace.root, { path: "/tmp/big", length: 1 }, io),
    ).rejects.toMatchObject(failure("file_too_large", /1001 bytes are more than the 1000/));
  });

  test("reads ranges of bytes", async () => {
    bench.put("/tmp/a", "0123456789");
    const at = async (offset: number, length?: number) => {
      const range = length === undefined ? { offset } : { offset, length };
      const result = await readFile(bench.workspace.root, { path: "/tmp/a", ...range }, ioOf());
      expect(result.size).toBe(10);
      return result.content;
    };
    expect(await at(2, 3)).toBe("234");
    expect(await at(8, 100)).toBe("89");
    expect(await at(10, 1)).toBe("");
    expect(await at(1000)).toBe("");
    expect(await at(3, 0)).toBe("");
    expect(await at(7)).toBe("789");
  });

  test("never cuts a character: the end moves before it, a beginning inside one is refused", async () => {
    bench.put("/tmp/a", "a€b");
    const read = (range: object) =>
      readFile(bench.workspace.root, { path: "/tmp/a", ...range }, ioOf());
    expect((await read({ length: 3 })).content).toBe("a");
    expect((await read({ length: 4 })).content).toBe("a€");
    expect((await read({ offset: 1, length: 3 })).content).toBe("€");
    await expect(read({ offset: 1, length: 2 })).rejects.toMatchObject(failure("invalid_request"));
    await expect(read({ offset: 2 })).rejects.toMatchObject(failure("invalid_request", /inside/));
  });

  test("pages of any size, each begun where the last ended, are the text", async () => {
    const text = fc.string({ unit: "binary", maxLength: 15 });
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 4, max: 9 }), async (content, length) => {
        bench.put("/tmp/a", content);
        const size = Buffer.byteLength(content);
        let pages = "";
        for (let offset = 0; offset < size; ) {
          const page = { path: "/tmp/a", offset, length };
          const { content: part } = await readFile(bench.workspace.root, page, ioOf());
          if (typeof part !== "string" || part === "") throw new Error("a page without progress");
          pages += part;
          offset += Buffer.byteLength(part);
        }
        expect(pages).toBe(content);
      }),
      { numRuns: 30 },
    );
  });

  test("does nothing once aborted, and stops between chunks of a long file", async () => {
    bench.put("/tmp/long", "x".repeat(5_000_000));
    const stop = new AbortController();
    const io = ioOf({ signal: stop.signal });
    const keepArtifact: typeof io.keepArtifact = async ({ content }) => {
      if (content instanceof Uint8Array) throw new Error("expected a stream");
      for await (const _chunk of content) stop.abort();
      return "never";
    };
    const before = openDescriptors();
    const parameters = { path: "/tmp/long" };
    await expect(
      readFile(bench.workspace.root, parameters, { ...io, keepArtifact }),
    ).rejects.toMatchObject(failure("task_cancelled"));
    await expect(readFile(bench.workspace.root, parameters, io)).rejects.toMatchObject(
      failure("task_cancelled"),
    );
    expect(openDescriptors()).toBe(before);
  });
});
