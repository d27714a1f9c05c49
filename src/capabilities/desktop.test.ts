import { Compile } from "typebox/compile";
import { describe, expect, test } from "vitest";
import type { Parameters } from "../contract/task.ts";
import { agentTask } from "./agent.ts";
import { appOpen } from "./app.ts";
import { browserOpen } from "./browser.ts";
import type { Capability } from "./capability.ts";
import { keyboardChord, keyboardPaste, keyboardPress, keyboardType } from "./keyboard.ts";
import { mouseClick, mouseDrag, mouseMove, mouseScroll } from "./mouse.ts";
import { shellRun } from "./shell.ts";
import { wait } from "./wait.ts";

const takes = (capability: Capability, parameters: Parameters) =>
  Compile(capability.parameters).Check(parameters);
const raisesOf = (capability: Capability, parameters: Parameters) =>
  capability.riskFactors(capability.normalise(parameters)).map(({ by }) => by);
const summaryOf = (capability: Capability, parameters: Parameters) =>
  capability.summary(capability.normalise(parameters));

describe("browser.open", () => {
  test("passes on the parsed URL and shows its parts", () => {
    const settled = browserOpen.normalise({
      url: "HTTPS://WWW.Example.com.:443/a/../b c".replace(" c", "?q"),
    });
    expect(settled).toEqual({ url: "https://www.example.com/b?q" });
    expect(browserOpen.preview(settled)).toEqual({
      kind: "url",
      href: "https://www.example.com/b?q",
      host: "www.example.com",
      port: "443",
      path: "/b?q",
    });
  });

  test.each([
    ["https://www.example.com/", []],
    ["http://localhost:8080/", ["one"]],
    ["http://2130706433/", ["one"]],
    ["http://[::1]:8080/", ["one", "one"]],
  ])("%s raises the risk by %j", (url, by) => {
    expect(raisesOf(browserOpen, { url })).toEqual(by);
  });

  test("what is no web URL is left as it is, for the policy to refuse", () => {
    for (const url of ["javascript:alert(1)", "https://user@example.com/", "x y"]) {
      expect(browserOpen.normalise({ url })).toEqual({ url });
      expect(browserOpen.facts({ url })).toEqual({ url });
      expect(browserOpen.preview({ url })).toEqual({ kind: "text", text: url });
    }
  });
});

test("opening what has a terminal is as risky as shell.run", () => {
  for (const application of [
    "terminal",
    "xterm",
    "gnome-terminal",
    "konsole",
    "vscode",
    "code",
    "Terminal",
  ]) {
    expect([application, ...raisesOf(appOpen, { application })]).toEqual([application, "high"]);
  }
  for (const application of ["firefox", "thunderbird", "directory", "desktop"]) {
    expect([application, ...raisesOf(appOpen, { application })]).toEqual([application]);
  }
  expect(takes(appOpen, { application: "/usr/bin/xterm" })).toBe(false);
});

describe("bounds", () => {
  const point = { x: 1, y: 1 };
  test.each<[Capability, Parameters, boolean]>([
    [mouseMove, { coordinates: { x: 0, y: 32_767 } }, true],
    [mouseMove, { coordinates: { x: -1, y: 0 } }, false],
    [mouseMove, { coordinates: { x: 32_768, y: 0 } }, false],
    [mouseMove, { coordinates: { x: 1.5, y: 0 } }, false],
    [mouseMove, {}, false],
    [mouseClick, {}, true],
    [mouseClick, { click_count: 4 }, false],
    [mouseClick, { button: "back" }, false],
    [mouseScroll, { direction: "down", scroll_count: 51 }, false],
    [mouseScroll, { direction: "in" }, false],
    [mouseDrag, { path: [point] }, false],
    [mouseDrag, { path: Array(200).fill(point) }, true],
    [mouseDrag, { path: Array(201).fill(point) }, false],
    [keyboardType, { text: "a".repeat(4097) }, false],
    [keyboardPaste, { text: "a".repeat(65_537) }, false],
    [keyboardType, { text: "" }, false],
    [keyboardChord, { keys: [] }, false],
    [keyboardChord, { keys: ["a", "b", "c", "d", "e", "f"] }, false],
    [wait, { duration_ms: 60_000 }, true],
    [wait, { duration_ms: 60_001 }, false],
    [shellRun, { command: [] }, false],
    [shellRun, { command: Array(101).fill("a") }, false],
    [shellRun, { command: "ls" }, false],
    [agentTask, { description: "x", files: [{ name: "../a", content: "" }] }, false],
    [agentTask, { description: "x", files: [{ name: "$(id)", content: "" }] }, false],
  ])("%# %o", (capability, parameters, taken) => {
    expect(takes(capability, parameters)).toBe(taken);
  });
});

describe("keyboard", () => {
  test("I7 sensitive text is masked with its length, but not before who decides", () => {
    for (const text of ["hunter2", "a much longer passphrase"]) {
      const parameters = { text, sensitive: true };
      expect(keyboardType.mask(parameters)).toEqual({ text: "••••••", sensitive: true });
      expect(keyboardType.summary(parameters)).toBe("Type ••••••");
      expect(keyboardPaste.summary(parameters)).toBe("Paste ••••••");
      expect(keyboardType.preview(parameters)).toEqual({ kind: "text", text });
    }
    expect(keyboardType.mask({ text: "open" })).toEqual({ text: "open" });
  });

  test("I8 a long text is shortened with a count, controls are visible", () => {
    expect(summaryOf(keyboardType, { text: `${"a".repeat(200)}bcd` })).toBe(
      `Type "${"a".repeat(200)}"… (3 more characters)`,
    );
    expect(summaryOf(keyboardPaste, { text: "a\nb\u202e" })).toBe('Paste "a\\nb⟦U+202E⟧"');
  });

  test("line ends are line feeds, other control characters are refused", () => {
    expect(keyboardType.normalise({ text: "a\r\nb\tc" })).toEqual({
      text: "a\nb\tc",
      sensitive: false,
    });
    for (const text of ["\u001b[2J", "a\u0003", "\r", "\u009b", "\ud800"]) {
      expect(() => keyboardPaste.normalise({ text })).toThrow(/control character/);
    }
  });

  test("chords and held modifiers that leave the application are of high risk", () => {
    expect(raisesOf(keyboardChord, { keys: ["alt", "F4"] })).toEqual(["high"]);
    expect(raisesOf(keyboardChord, { keys: ["ctrl+s"] })).toEqual([]);
    expect(raisesOf(keyboardPress, { keys: ["alt"], press: "down" })).toEqual(["high"]);
    expect(raisesOf(keyboardPress, { keys: ["alt"], press: "up" })).toEqual([]);
    expect(raisesOf(keyboardPress, { keys: ["shift"], press: "down" })).toEqual([]);
    expect(raisesOf(mouseClick, { hold_keys: ["win"] })).toEqual(["high"]);
    expect(() => mouseClick.normalise({ hold_keys: ["a"] })).toThrow(/no modifier/);
  });
});

test("mouse summaries", () => {
  expect(summaryOf(mouseMove, { coordinates: { x: 1, y: 2 } })).toBe("Move the mouse to 1, 2");
  expect(
    summaryOf(mouseClick, { coordinates: { x: 1, y: 2 }, click_count: 2, hold_keys: ["ctrl"] }),
  ).toBe("Click the left button twice at 1, 2 while holding Control_L");
  expect(summaryOf(mouseScroll, { direction: "up" })).toBe("Scroll up by 1 notch");
  expect(
    summaryOf(mouseDrag, {
      path: [
        { x: 1, y: 2 },
        { x: 3, y: 4 },
      ],
    }),
  ).toBe("Drag with the left button from 1, 2 to 3, 4 over 2 points");
});

describe("shell.run", () => {
  test("says each argument apart", () => {
    expect(summaryOf(shellRun, { command: ["git", "status", "-s"] })).toBe("Run git status -s");
    expect(summaryOf(shellRun, { command: ["echo", "a b", "", "c;d\n"] })).toBe(
      'Run echo "a b" "" "c;d\\n"',
    );
  });

  test("refuses what cannot be an argument", () => {
    for (const command of [["a\0"], [""], ["ls", "\ud800"], Array(3).fill("a".repeat(65_536))]) {
      expect(() => shellRun.normalise({ command })).toThrow(
        expect.objectContaining({ code: "invalid_request" }),
      );
    }
  });
});

test("agent.task counts its files and takes each name once", () => {
  const files = [
    { name: "a.txt", content: "YWI=" },
    { name: "b.txt", content: "YQ==", media_type: "text/plain" },
  ];
  const settled = agentTask.normalise({ description: "Sum up", files });
  expect(settled).toMatchObject({
    priority: "medium",
    files: [{ media_type: "application/octet-stream" }, { media_type: "text/plain" }],
  });
  expect(agentTask.facts(settled)).toEqual({
    contentSize: 3,
    files: [
      { path: "/home/user/Desktop/a.txt", contentSize: 2 },
      { path: "/home/user/Desktop/b.txt", contentSize: 1 },
    ],
  });
  expect(agentTask.summary(settled)).toBe('Ask the agent with 2 files: "Sum up"');
  expect(() => agentTask.normalise({ description: "x", files: [files[0], files[0]] })).toThrow(
    /twice/,
  );
  expect(() =>
    agentTask.normalise({ description: "x", files: [{ name: "a", content: "?" }] }),
  ).toThrow(/base64/);
});
