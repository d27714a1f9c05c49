import { describe, expect, test } from "vitest";
import { type Bench, openBench, stepOf } from "../../../test/support/drivers/bytebot/fixtures.ts";
import { failure, ioOf, LOOK } from "../../../test/support/drivers/step/fixtures.ts";
import { sha256 } from "../../lib/canonical.ts";

const PATH = "/home/user/notes.txt";

function put({ daemon }: Bench, content: string | Uint8Array, path = PATH): void {
  daemon.files.files.set(path, Buffer.from(content));
}

describe("fs.read", () => {
  test("gives text, a range of it, and bytes as base64", async () => {
    await using bench = await openBench();
    put(bench, "grün\n");
    const read = (parameters: object) =>
      bench.driver.perform(stepOf("fs.read", { path: PATH, ...parameters }), ioOf());
    expect(await read({})).toEqual({
      content: "grün\n",
      encoding: "utf8",
      size: 6,
      media_type: "text/plain",
    });
    expect(await read({ offset: 4, length: 1 })).toMatchObject({ content: "n" });
    expect(await read({ encoding: "base64", length: 2 })).toMatchObject({ content: "Z3I=" });
  });

  test("keeps what is long, and every picture, as an artifact", async () => {
    await using bench = await openBench();
    put(bench, "x".repeat(70_000));
    const io = ioOf();
    const long = await bench.driver.perform(stepOf("fs.read", { path: PATH }), io);
    expect(long).toMatchObject({ content: null, size: 70_000 });
    const picture = await bench.daemon.screen.png();
    put(bench, picture, "/tmp/a.png");
    await bench.driver.perform(stepOf("fs.read", { path: "/tmp/a.png" }), io);
    expect(io.kept.map(({ name, mediaType }) => [name, mediaType])).toEqual([
      ["notes.txt", "text/plain"],
      ["a.png", "image/png"],
    ]);
    expect(io.kept[1]?.content.equals(picture)).toBe(true);
  });

  test.each([
    ["/tmp/none", "file_not_found"],
    ["/tmp", "not_a_file"],
    [PATH, "file_too_large"],
  ])("of %s fails as %s", async (path, code) => {
    await using bench = await openBench();
    put(bench, "x".repeat(1001));
    const reading = bench.driver.perform(stepOf("fs.read", { path }), ioOf({ maxFileSize: 1000 }));
    await expect(reading).rejects.toMatchObject(failure(code));
  });

  test("of a file longer than any answer fails as file_too_large", async () => {
    await using bench = await openBench();
    bench.daemon.fail({ action: "read_file", with: "huge_body", bytes: 60 * 1024 * 1024 });
    const reading = bench.driver.perform(stepOf("fs.read", { path: PATH }), ioOf());
    await expect(reading).rejects.toMatchObject(failure("file_too_large"));
  });
});

describe("fs.write", () => {
  test("creates, refuses to replace, overwrites and appends", async () => {
    await using bench = await openBench();
    const write = (content: string, mode?: string) =>
      bench.driver.perform(
        stepOf("fs.write", { path: PATH, content, ...(mode !== undefined && { mode }) }),
        ioOf(),
      );
    expect(await write("one")).toEqual({
      path: PATH,
      size: 3,
      sha256: sha256("one").slice("sha256:".length),
    });
    await expect(write("two")).rejects.toMatchObject(failure("file_exists"));
    await write("two", "overwrite");
    await write(" three", "append");
    expect(bench.daemon.files.text(PATH)).toBe("two three");
  });

  test("is what was planned, or nothing", async () => {
    await using bench = await openBench();
    const parameters = { path: PATH, content: "new\n", mode: "overwrite" };
    put(bench, "old\n");
    const { bound, preview, riskFactors } = await bench.driver.inspect(
      "fs.write",
      parameters,
      LOOK,
    );
    expect(bound).toEqual({ [`file:${PATH}`]: sha256("old\n") });
    expect(riskFactors).toEqual(["overwrites an existing file"]);
    expect(preview).toMatchObject({ kind: "diff", diff: expect.stringContaining("-old\n+new\n") });
    put(bench, "other\n");
    const step = stepOf("fs.write", parameters, bound);
    await expect(bench.driver.perform(step, ioOf())).rejects.toMatchObject(
      failure("state_changed"),
    );
    expect(bench.daemon.files.text(PATH)).toBe("other\n");
  });

  test("shows what would fail, and binds what makes it fail", async () => {
    await using bench = await openBench();
    const parameters = { path: "/tmp", content: "x", mode: "overwrite" };
    expect(await bench.driver.inspect("fs.write", parameters, LOOK)).toMatchObject({
      bound: { "file:/tmp": "unreadable" },
      preview: { note: "This will fail: /tmp is a directory." },
    });
  });

  test("that cannot be read back has an unknown outcome", async () => {
    await using bench = await openBench({ retryAttempts: 0 });
    const { daemon, driver } = bench;
    const writing = daemon.fail({ action: "write_file", with: "hang_after_effect" });
    const step = stepOf("fs.write", { path: PATH, content: "x" });
    const failing = driver.perform(step, ioOf());
    await writing.hit;
    daemon.fail({ action: "read_file", with: "reset" });
    writing.release();
    await expect(failing).rejects.toMatchObject(failure("outcome_unknown"));
    expect(daemon.requestsFor("write_file")).toHaveLength(1);
  });
});

describe("fs.edit", () => {
  test("replaces the one passage and keeps the rest", async () => {
    await using bench = await openBench();
    put(bench, "one two three\n");
    const parameters = { path: PATH, old_text: "two", new_text: "2" };
    const { bound, preview } = await bench.driver.inspect("fs.edit", parameters, LOOK);
    expect(preview).toMatchObject({ diff: expect.stringContaining("+one 2 three") });
    await bench.driver.perform(stepOf("fs.edit", parameters, bound), ioOf());
    expect(bench.daemon.files.text(PATH)).toBe("one 2 three\n");
  });

  test.each([
    ["/tmp/none", "x", "file_not_found"],
    [PATH, "a", "text_not_found"],
    [PATH, "zz", "text_not_found"],
  ])("of %s for %s fails as %s and writes nothing", async (path, old_text, code) => {
    await using bench = await openBench();
    put(bench, "a a\n");
    const step = stepOf("fs.edit", { path, old_text, new_text: "b" });
    await expect(bench.driver.perform(step, ioOf())).rejects.toMatchObject(failure(code));
    expect(bench.daemon.requestsFor("write_file")).toEqual([]);
  });
});
