import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import {
  type Bench,
  failure,
  ioOf,
  LOOK,
  openBench,
} from "../../../test/support/drivers/embedded/fixtures.ts";
import { displayProblem } from "./display/display.ts";
import { type EmbeddedDriver, openEmbeddedDriver } from "./embedded-driver.ts";

let bench: Bench;
let driver: EmbeddedDriver;
beforeEach(async () => {
  bench = openBench();
  driver = await openEmbeddedDriver({ workdir: bench.workspace.workdir });
});
afterEach(async () => {
  await driver[Symbol.asyncDispose]();
  bench[Symbol.dispose]();
});

function step(action: string, parameters: Record<string, unknown>) {
  return { action, parameters, risk: "low", bound: {} } as const;
}

test("performs the file actions and wait", async () => {
  for (const action of ["fs.read", "fs.list", "fs.write", "fs.edit", "wait"]) {
    expect(driver.availability(action)).toEqual({ available: true });
  }
  const io = ioOf();
  await driver.perform(step("fs.write", { path: "/tmp/a.txt", content: "one" }), io);
  await driver.perform(step("fs.edit", { path: "/tmp/a.txt", old_text: "o", new_text: "O" }), io);
  expect(await driver.perform(step("fs.read", { path: "/tmp/a.txt" }), io)).toMatchObject({
    content: "One",
  });
  expect(await driver.perform(step("fs.list", { path: "/tmp" }), io)).toMatchObject({
    entries: [{ name: "a.txt" }],
  });
  expect(await driver.perform(step("wait", { duration_ms: 1 }), io)).toEqual({});
  expect(await driver.health()).toBeUndefined();
});

test("inspects what changes files, and binds nothing for the rest", async () => {
  const write = { path: "/tmp/a.txt", content: "x" };
  expect((await driver.inspect("fs.write", write, LOOK)).bound).toEqual({
    "file:/tmp/a.txt": "absent",
  });
  expect(await driver.inspect("fs.read", { path: "/tmp/a.txt" }, LOOK)).toEqual({
    bound: {},
    riskFactors: [],
  });
});

test.each([
  "browser.open",
  "app.open",
  "screen.capture",
  "screen.cursor",
  "mouse.click",
  "keyboard.type",
])("has no screen for %s, and says so", async (action) => {
  expect(driver.availability(action)).toMatchObject({
    available: false,
    code: "desktop_unavailable",
    reason: expect.stringContaining("no screen"),
    hint: expect.stringContaining("without one"),
  });
  await expect(driver.inspect(action, {}, LOOK)).rejects.toMatchObject(
    failure("desktop_unavailable"),
  );
  await expect(driver.perform(step(action, {}), ioOf())).rejects.toMatchObject(
    failure("desktop_unavailable"),
  );
});

test("goes on without a screen where there is no room for its sockets", async () => {
  const { TMPDIR } = process.env;
  const nowhere = join(tmpdir(), "no-such-folder");
  process.env.TMPDIR = nowhere;
  onTestFinished(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  });
  const egress = {
    decide: () => ({ allowed: false, reason: "" }),
    isOwn: async () => false,
  } as const;
  await using other = await openEmbeddedDriver({
    workdir: bench.workspace.workdir,
    desktop: { width: 640, height: 480, applications: {}, egress },
  });
  expect(other.availability("screen.capture")).toMatchObject({ available: false });
  const reason = displayProblem()?.reason ?? nowhere;
  expect(other.availability("screen.capture")).toMatchObject({
    reason: expect.stringContaining(reason),
  });
  expect(other.availability("fs.read")).toEqual({ available: true });
});

test.each(["agent.task", "constructor", "__proto__", "fs.delete", ""])(
  "does not perform %j",
  async (action) => {
    expect(driver.availability(action)).toMatchObject({
      available: false,
      code: "capability_disabled",
    });
    await expect(driver.perform(step(action, {}), ioOf())).rejects.toMatchObject(
      failure("capability_disabled"),
    );
  },
);

test("opens nothing once it is disposed", async () => {
  const other = await openEmbeddedDriver({ workdir: bench.workspace.workdir });
  await other[Symbol.asyncDispose]();
  await expect(other.perform(step("fs.list", { path: "/tmp" }), ioOf())).rejects.toThrow();
});

test("refuses a WORKDIR that cannot be its workspace", async () => {
  bench.put("/tmp/file", "");
  await expect(openEmbeddedDriver({ workdir: bench.host("/tmp/file") })).rejects.toThrow(
    /^WORKDIR: /,
  );
});
