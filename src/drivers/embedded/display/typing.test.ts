import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type DisplayBench,
  missingForDisplay,
  never,
  openDisplayBench,
  openTerminal,
  type Terminal,
} from "../../../../test/support/drivers/embedded/display/fixtures.ts";

describe.skipIf(missingForDisplay("xterm", "openbox"))("what is typed into a terminal", () => {
  let bench: DisplayBench;
  let terminal: Terminal;

  beforeAll(async () => {
    bench = openDisplayBench();
    terminal = await openTerminal(bench);
  });
  afterAll(async () => {
    await terminal[Symbol.asyncDispose]();
    await bench[Symbol.asyncDispose]();
  });

  /** Types a line and resolves with what the terminal received as the last one. */
  async function typed(line: string): Promise<string | undefined> {
    await bench.desktop.type(`${line}\n`, never);
    const received = await terminal.received(`${line}\n`);
    return received.split("\n").at(-2);
  }

  test("any Unicode text arrives", async () => {
    expect(await typed("héllo ∑ 日本語")).toBe("héllo ∑ 日本語");
  });

  test("every printable ASCII character arrives", async () => {
    const ascii = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join(
      "",
    );
    expect(await typed(ascii)).toBe(ascii);
  });

  test("characters outside of the basic plane arrive", async () => {
    expect(await typed("a😀b𝄞c")).toBe("a😀b𝄞c");
  });

  test("more different characters arrive than there are keys", async () => {
    const line = (from: number): string =>
      Array.from({ length: 150 }, (_, index) => String.fromCodePoint(from + index)).join("");
    const text = [0x4e00, 0x4f00, 0x5000, 0x4e00].map(line).join("\n");
    await bench.desktop.type(`${text}\n`, never);
    expect(await terminal.received(`${line(0x5000)}\n${line(0x4e00)}\n`)).toContain(`${text}\n`);
  });

  test("letters keep their case while capital letters are locked, and the lock stays", async () => {
    await bench.desktop.chord(["Caps_Lock"], never);
    expect(await typed("abc ABC é")).toBe("abc ABC é");
    // A key is not a character: it means what the lock makes of it.
    await bench.desktop.chord(["a"], never);
    await bench.desktop.chord(["Return"], never);
    await terminal.received("\nA\n");
    await bench.desktop.chord(["Caps_Lock"], never);
    expect(await typed("abc ABC")).toBe("abc ABC");
  });

  test("texts typed at once do not mix", async () => {
    const texts = ["a", "b", "c"].map((letter) => letter.repeat(200));
    await Promise.all(texts.map((text) => bench.desktop.type(`${text}\n`, never)));
    await terminal.received(`${texts.join("\n")}\n`);
  });

  test("a pasted text arrives", async () => {
    await bench.desktop.paste("päste ∑ 日本語 😀\n", never);
    await terminal.received("päste ∑ 日本語 😀\n");
    await bench.desktop.paste("and another\n", never);
    await terminal.received("and another\n");
  });

  test("an abort stops typing between two characters with nothing held", async () => {
    const abort = new AbortController();
    const text = "ABCDEFGHIJ".repeat(400);
    const typing = bench.desktop.type(text, abort.signal);
    const { connection } = await bench.display.use(never);
    while (connection.inputs % 2 === 0 && connection.inputs < 100) await connection.sync();
    abort.abort();
    await expect(typing).rejects.toMatchObject({ code: "task_cancelled" });
    expect(await typed("x")).not.toContain(text);
    const keys = await connection.ask<Buffer>((client, answer) => client.QueryKeymap(answer));
    expect(keys.every((bits) => bits === 0)).toBe(true);
  });

  test("the focused window is told by its identity, and its title shown", async () => {
    const window = await bench.desktop.focus(never);
    expect(window).toEqual({
      identity: expect.stringMatching(/^0x[0-9a-f]+ XTerm$/),
      title: "terminal",
      isTerminal: true,
    });
    const other = await openTerminal(bench, "terminal nummer ∑");
    try {
      const second = await bench.desktop.focus(never);
      expect(second?.title).toBe("terminal nummer ∑");
      expect(second?.identity).not.toBe(window?.identity);
      const { width, height } = await bench.desktop.picture(never);
      const windows = await bench.desktop.windows(never);
      expect(windows.map(({ title }) => title)).toEqual(["terminal nummer ∑", "terminal"]);
      for (const shown of windows) {
        expect(shown.x).toBeGreaterThanOrEqual(0);
        expect(shown.y).toBeGreaterThanOrEqual(0);
        expect(shown.x + shown.width).toBeLessThanOrEqual(width);
        expect(shown.y + shown.height).toBeLessThanOrEqual(height);
        expect(shown.width * shown.height).toBeGreaterThan(10_000);
      }
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });
});
