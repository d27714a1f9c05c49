import { expect, test } from "vitest";
import { FakeDesktop } from "../../../test/support/drivers/desktop/fixtures.ts";
import { failure } from "../../../test/support/drivers/step/fixtures.ts";
import { awaitSettled, glanceAt } from "./await-settled.ts";

const LONG = 60_000;
const never = new AbortController().signal;

/** A desktop whose screen the test changes before each screenshot; answers how many were taken. */
async function watch(
  times: { unchanged: number; limit: number },
  change: (desktop: FakeDesktop, shot: number) => void,
  signal = never,
): Promise<number> {
  const desktop = new FakeDesktop();
  const before = glanceAt(desktop.screen);
  let shots = 0;
  const capture = () => {
    shots += 1;
    change(desktop, shots);
    return Promise.resolve(structuredClone(desktop.screen));
  };
  await awaitSettled(capture, before, { pause: 1, ...times }, signal);
  return shots;
}

test("waits for a change and then until two pictures are the same", async () => {
  const shots = await watch({ unchanged: LONG, limit: LONG }, (desktop, shot) => {
    if (shot >= 3 && shot <= 5) desktop.paint({ x: 60, y: 45 }, 40, 40 * shot);
  });
  expect(shots).toBe(6);
});

test("a caret that blinks is no change", async () => {
  const shots = await watch({ unchanged: LONG, limit: LONG }, (desktop, shot) => {
    desktop.paint({ x: 20, y: 20 }, 1, shot % 2 === 0 ? 90 : 255);
    if (shot === 8) desktop.paint({ x: 60, y: 45 }, 40, 200);
  });
  expect(shots).toBe(9);
});

test("a screen that stays as it is has settled after a while", async () => {
  expect(await watch({ unchanged: 0, limit: LONG }, () => {})).toBe(1);
});

test("a screen that never rests is not waited for longer than the limit", async () => {
  await watch({ unchanged: LONG, limit: 50 }, (desktop, shot) =>
    desktop.paint({ x: 60, y: 45 }, 40, (shot * 60) % 256),
  );
});

test("ends when it is aborted", async () => {
  const stop = new AbortController();
  const watching = watch(
    { unchanged: LONG, limit: LONG },
    (_desktop, shot) => {
      if (shot === 2) stop.abort();
    },
    stop.signal,
  );
  await expect(watching).rejects.toMatchObject(failure("task_cancelled"));
});
