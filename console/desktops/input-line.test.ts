import { expect, test } from "vitest";
import type { InputRequest } from "../../src/contract/desktop.ts";
import { InputLine } from "./input-line.ts";

/** A line whose answers come when the test says so. */
function slowLine() {
  const sent: InputRequest[] = [];
  const errors: unknown[] = [];
  let answer = Promise.withResolvers<void>();
  const line = new InputLine({
    act: (request) => {
      sent.push(request);
      answer = Promise.withResolvers();
      return answer.promise;
    },
    onError: (error) => errors.push(error),
  });
  const settle = async (error?: Error) => {
    if (error) answer.reject(error);
    else answer.resolve();
    await new Promise((resolve) => setTimeout(resolve, 0));
  };
  return { line, sent, errors, settle };
}

test("sends one after the other, and what was typed meanwhile together", async () => {
  const { line, sent, settle } = slowLine();
  line.send("mouse.click", {});
  for (const text of "abc") line.send("keyboard.type", { text });
  line.send("keyboard.chord", { keys: ["Enter"] });
  line.send("keyboard.type", { text: "d" });
  expect(sent).toHaveLength(1);
  for (let count = 0; count < 4; count++) await settle();
  expect(sent.map(({ parameters }) => parameters)).toEqual([
    {},
    { text: "abc" },
    { keys: ["Enter"] },
    { text: "d" },
  ]);
});

test("turns of the wheel that wait go together, up to what one may be", async () => {
  const { line, sent, settle } = slowLine();
  const turn = (direction: string, scroll_count: number) =>
    line.send("mouse.scroll", { direction, scroll_count });
  turn("up", 1);
  turn("up", 40);
  turn("up", 40);
  turn("down", 2);
  for (let count = 0; count < 3; count++) await settle();
  expect(sent.map(({ parameters }) => parameters)).toEqual([
    { direction: "up", scroll_count: 1 },
    { direction: "up", scroll_count: 50 },
    { direction: "down", scroll_count: 2 },
  ]);
});

test("text is joined only as far as one action takes it", async () => {
  const { line, sent, settle } = slowLine();
  line.send("mouse.click", {});
  line.send("keyboard.type", { text: "x".repeat(4000) });
  line.send("keyboard.type", { text: "y".repeat(100) });
  for (let count = 0; count < 3; count++) await settle();
  expect(sent.slice(1).map(({ parameters }) => String(parameters.text).length)).toEqual([
    4000, 100,
  ]);
});

test("after a refusal, what waited is dropped, and the next goes through", async () => {
  const { line, sent, errors, settle } = slowLine();
  line.send("mouse.click", { one: 1 });
  line.send("mouse.click", { two: 2 });
  const refusal = new Error("refused");
  await settle(refusal);
  expect(errors).toEqual([refusal]);
  expect(sent).toHaveLength(1);
  expect(line.send("mouse.click", { three: 3 })).toBe(true);
  expect(sent.at(-1)?.parameters).toEqual({ three: 3 });
});

test("takes no more than may wait", () => {
  const { line } = slowLine();
  const taken = Array.from({ length: 20 }, (_, x) => line.send("mouse.click", { x }));
  expect(taken.filter(Boolean)).toHaveLength(13);
});
