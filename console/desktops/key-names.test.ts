import { expect, test } from "vitest";
import { readChord, readKeyPress } from "./key-names.ts";

const none = { ctrlKey: false, altKey: false, metaKey: false, shiftKey: false };

test.each([
  ["a letter", { key: "a" }, { text: "a" }],
  ["a capital", { key: "A", shiftKey: true }, { text: "A" }],
  ["a sign beyond the first plane", { key: "😀" }, { text: "😀" }],
  ["what right Alt makes", { key: "@", ctrlKey: true, altKey: true }, { text: "@" }],
  ["a space", { key: " " }, { text: " " }],
  ["Enter", { key: "Enter" }, { keys: ["Enter"] }],
  ["Ctrl+C", { key: "c", ctrlKey: true }, { keys: ["ctrl", "c"] }],
  ["Ctrl+Shift+T", { key: "T", ctrlKey: true, shiftKey: true }, { keys: ["ctrl", "shift", "t"] }],
  ["Ctrl+Space", { key: " ", ctrlKey: true }, { keys: ["ctrl", "space"] }],
  ["Alt+F4", { key: "F4", altKey: true }, { keys: ["alt", "F4"] }],
  ["Shift+Tab", { key: "Tab", shiftKey: true }, { keys: ["shift", "Tab"] }],
])("%s", (_what, press, typed) => {
  expect(readKeyPress({ ...none, ...press })).toEqual(typed);
});

test.each(["Shift", "Control", "Dead", "Process", "Unidentified", "AudioVolumeUp", ""])(
  "%j does nothing by itself",
  (key) => expect(readKeyPress({ ...none, key })).toBeUndefined(),
);

test.each([
  ["ctrl+shift+t", ["ctrl", "shift", "t"]],
  [" Ctrl + L ", ["Ctrl", "L"]],
  ["ctrl++", ["ctrl", "plus"]],
  ["+", ["plus"]],
  ["F5", ["F5"]],
  ["", []],
])("a chord as it is written: %j", (text, keys) => {
  expect(readChord(text)).toEqual(keys);
});
