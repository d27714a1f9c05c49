import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Property } from "x11";
import {
  type DisplayBench,
  missingForDisplay,
  never,
  openDisplayBench,
  openProbe,
  type Probe,
} from "../../../../test/support/drivers/embedded/display/fixtures.ts";
import type { LiveDisplay } from "./display.ts";

const STRING = "STRING";

describe.skipIf(missingForDisplay())("the clipboard of a display", () => {
  let bench: DisplayBench;
  let live: LiveDisplay;
  let probe: Probe;

  beforeAll(async () => {
    bench = openDisplayBench();
    live = await bench.display.use(never);
    probe = await openProbe(live);
  });
  afterAll(async () => {
    probe[Symbol.dispose]();
    await bench[Symbol.asyncDispose]();
  });

  /** Fetches what a program that pastes would, as this type. */
  async function fetched(type: string): Promise<Property & { typeName: number }> {
    const { connection, window } = probe;
    const names = ["CLIPBOARD", type, "PROBE_TARGET"].map((name) => connection.atom(name));
    const [clipboard = 0, target = 0, property = 0] = await Promise.all(names);
    const notified = probe.next("SelectionNotify");
    connection.tell((client) => client.ConvertSelection(window, clipboard, target, property, 0));
    await notified;
    const answer = await connection.ask<Property>((client, done) =>
      client.GetProperty(1, window, property, 0, 0, 1_000_000, done),
    );
    return { ...answer, typeName: answer.type };
  }

  test.each(["UTF8_STRING", "text/plain;charset=utf-8", "TEXT"])(
    "hands out its text as %s",
    async (type) => {
      await live.clipboard.offer("héllo ∑ 日本語");
      expect((await fetched(type)).data.toString("utf8")).toBe("héllo ∑ 日本語");
    },
  );

  test("TEXT says which type it chose", async () => {
    await live.clipboard.offer("x");
    const utf8 = await probe.connection.atom("UTF8_STRING");
    expect((await fetched("TEXT")).type).toBe(utf8);
  });

  test("hands out Latin-1 with a mark for what that lacks", async () => {
    await live.clipboard.offer("é∑😀.");
    expect((await fetched(STRING)).data.toString("latin1")).toBe("é??.");
  });

  test("the longest text arrives whole", async () => {
    const text = "😀".repeat(65_536);
    await live.clipboard.offer(text);
    expect((await fetched("UTF8_STRING")).data.toString("utf8") === text).toBe(true);
  });

  test("lists what it can be fetched as, and refuses the rest", async () => {
    await live.clipboard.offer("x");
    const list = await fetched("TARGETS");
    const offered = Array.from({ length: list.data.length / 4 }, (_, index) =>
      list.data.readUInt32LE(index * 4),
    );
    const names = ["TARGETS", "UTF8_STRING", "TEXT", "STRING"];
    const atoms = await Promise.all(names.map((name) => probe.connection.atom(name)));
    expect(offered).toEqual(expect.arrayContaining(atoms));
    expect((await fetched("image/png")).type).toBe(0);
  });

  test("a fetch is noticed, a question for the types is none", async () => {
    const { fetched: noticed } = await live.clipboard.offer("x");
    let isNoticed = false;
    const noticing = noticed.then(() => {
      isNoticed = true;
    });
    await fetched("TARGETS");
    await live.connection.sync();
    expect(isNoticed).toBe(false);
    await fetched("UTF8_STRING");
    await noticing;
  });

  test("gives way to another owner", async () => {
    await live.clipboard.offer("ours");
    const clipboard = await probe.connection.atom("CLIPBOARD");
    probe.connection.tell((client) => client.SetSelectionOwner(probe.window, clipboard, 0));
    await probe.connection.sync();
    await live.connection.sync();
    await live.clipboard.offer("ours again");
    expect((await fetched("UTF8_STRING")).data.toString()).toBe("ours again");
  });

  test("what is withdrawn nobody gets; what was offered or copied since stays", async () => {
    const { withdraw } = await live.clipboard.offer("secret");
    withdraw();
    expect((await fetched("UTF8_STRING")).type).toBe(0);
    await live.clipboard.offer("new");
    withdraw();
    expect((await fetched("UTF8_STRING")).data.toString()).toBe("new");
  });

  test("what was pasted is withdrawn once a program has it", async () => {
    await bench.desktop.paste("secret", never);
    expect((await fetched("UTF8_STRING")).data.toString()).toBe("secret");
    await expect.poll(async () => (await fetched("UTF8_STRING")).type, { timeout: 9000 }).toBe(0);
  });

  test("a paste that no window takes ends by itself", async () => {
    await bench.desktop.paste("nobody wants it", never);
    expect((await fetched("UTF8_STRING")).data.toString()).toBe("nobody wants it");
  });
});
