import { expect, it } from "vitest";
import { minutesUpTo, prefixesOf } from "./grant-scope.ts";

it("offers the path and the folders above it, never the root", () => {
  const at = (path_prefix: string) =>
    prefixesOf({ action: "fs.read", path_prefix, max_minutes: 5 });
  expect(at("/home/user/notes.txt")).toEqual(["/home/user/notes.txt", "/home/user", "/home"]);
  expect(at("/")).toEqual([]);
  expect(prefixesOf({ action: "browser.open", domain: "a.example", max_minutes: 5 })).toEqual([]);
});

it("offers no more minutes than policy allows", () => {
  expect(minutesUpTo(60)).toEqual([5, 15, 30, 60]);
  expect(minutesUpTo(3)).toEqual([3]);
  expect(minutesUpTo(45)).toEqual([5, 15, 30, 45]);
});
