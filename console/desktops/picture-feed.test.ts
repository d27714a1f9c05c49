import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PictureFeed } from "./picture-feed.ts";

const feeds: PictureFeed[] = [];
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  for (const feed of feeds.splice(0)) feed.close();
  vi.useRealTimers();
});

/** A feed whose pictures come at once, or fail. */
function open(ask: () => Promise<Blob> = async () => new Blob()) {
  const asked = vi.fn(ask);
  const errors: unknown[] = [];
  const feed = new PictureFeed({
    ask: asked,
    show: async () => {},
    onError: (error) => errors.push(error),
  });
  feeds.push(feed);
  return { feed, asked, errors };
}

test("asks again after a pause, sooner after an input", async () => {
  const { feed, asked } = open();
  await vi.advanceTimersByTimeAsync(890);
  expect(asked).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(20);
  expect(asked).toHaveBeenCalledTimes(2);
  feed.hurry();
  await vi.advanceTimersByTimeAsync(460);
  expect(asked).toHaveBeenCalledTimes(3);
});

test("never asks twice at a time; an input meanwhile makes the next come sooner", async () => {
  let answer = (_picture: Blob) => {};
  const { feed, asked } = open(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  await vi.advanceTimersByTimeAsync(60_000);
  feed.hurry();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveBeenCalledTimes(1);
  answer(new Blob());
  await vi.advanceTimersByTimeAsync(460);
  expect(asked).toHaveBeenCalledTimes(2);
});

test("asks for nothing while paused, and at once when it goes on", async () => {
  const { feed, asked } = open();
  await vi.advanceTimersByTimeAsync(10);
  feed.pause();
  feed.hurry();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveBeenCalledTimes(1);
  feed.goOn();
  expect(asked).toHaveBeenCalledTimes(2);
});

test("takes longer after each failure, and nothing comes after its end", async () => {
  const { feed, asked, errors } = open(async () => {
    throw new Error("no picture");
  });
  await vi.advanceTimersByTimeAsync(1990);
  expect(asked).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(20);
  expect(asked).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(3900);
  expect(asked).toHaveBeenCalledTimes(2);
  expect(errors).toHaveLength(2);
  feed.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveBeenCalledTimes(2);
});
