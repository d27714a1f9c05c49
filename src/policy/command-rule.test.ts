import fc from "fast-check";
import { expect, test } from "vitest";
import { allowsAnyCommand, commandRuleProblem, matchCommand } from "./command-rule.ts";

test.each([
  [["git", "status", "-s"], "git status", true],
  [["git", "status"], "git  status ", true],
  [["ls"], "ls", true],
  [["/opt/tool", "x"], "/opt/tool", true],
  [["git", "push"], "git status", false],
  [["git", "-C", "/x", "status"], "git status", false],
  [["git"], "git status", false],
  [["git status"], "git status", false],
  [["/evil/ls"], "ls", false],
  [["./ls"], "ls", false],
  [["/bin/ls"], "ls", false],
  [["ls"], "/bin/ls", false],
  [["lsof"], "ls", false],
  [["LS"], "ls", false],
  [[], "ls", false],
  [["", "ls"], "ls", false],
  [["ls"], " ", false],
])("I1 %j by %j: %s", (argv, rule, allowed) => {
  expect("rule" in matchCommand(argv, [rule])).toBe(allowed);
});

test("I1 what is allowed starts with the words of an entry", () => {
  const word = fc.constantFrom("git", "status", "push", "ls", "/evil/ls", "", " ");
  fc.assert(
    fc.property(fc.array(word), fc.array(fc.array(word)), (argv, entries) => {
      const match = matchCommand(
        argv,
        entries.map((entry) => entry.join(" ")),
      );
      if (!("rule" in match)) return;
      const leading = match.rule.trim().split(/\s+/);
      expect(argv.slice(0, leading.length)).toEqual(leading);
    }),
  );
});

test("the suggested entry would allow the command, and nothing but plain words", () => {
  expect(matchCommand(["git", "log", "-1"], [])).toMatchObject({ entry: "git log -1" });
  expect(matchCommand(["echo", "a b", "c"], [])).toMatchObject({ entry: "echo" });
  expect(matchCommand(["a b"], [])).not.toHaveProperty("entry");
});

test("entries are plain words; launchers are known", () => {
  expect(commandRuleProblem("git status")).toBeUndefined();
  for (const rule of [" ", "ls | rm", "echo $HOME", "'ls'", "a;b", "a > b"]) {
    expect(commandRuleProblem(rule)).toBeDefined();
  }
  expect(["bash", "/usr/bin/env", "ls", "bash -n"].map(allowsAnyCommand)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
