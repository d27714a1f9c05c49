import { expect, test } from "vitest";
import { thinOut, toScreen } from "./picture-point.ts";

const screen = { width: 1280, height: 960 };

test.each([
  ["the corner", { x: 10, y: 20 }, { x: 0, y: 0 }],
  ["the middle", { x: 170, y: 140 }, { x: 640, y: 480 }],
  ["the last pixel", { x: 329.9, y: 259.9 }, { x: 1279, y: 959 }],
  ["beyond the end", { x: 5000, y: 5000 }, { x: 1279, y: 959 }],
  ["before the beginning", { x: 0, y: 0 }, { x: 0, y: 0 }],
])("%s", (_where, at, expected) => {
  expect(toScreen(at, { left: 10, top: 20, width: 320, height: 240 }, screen)).toEqual(expected);
});

test("a picture without a size has no places", () => {
  const box = { left: 0, top: 0, width: 0, height: 0 };
  expect(toScreen({ x: 5, y: 0 }, box, screen)).toEqual({ x: 0, y: 0 });
  expect(toScreen({ x: 0, y: 0 }, box, { width: 0, height: 0 })).toEqual({ x: 0, y: 0 });
});

test("a long way keeps its ends", () => {
  const path = Array.from({ length: 1001 }, (_, x) => ({ x, y: 0 }));
  const thin = thinOut(path);
  expect(thin).toHaveLength(200);
  expect([thin.at(0), thin.at(-1)]).toEqual([path.at(0), path.at(-1)]);
  expect(thinOut(path.slice(0, 3))).toEqual(path.slice(0, 3));
});
