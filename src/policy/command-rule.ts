import type { RuleMatch } from "./rule-match.ts";

/** Programs that start whatever their arguments name: allowing one alone allows every command. */
const LAUNCHERS = new Set(
  (
    "sh bash dash zsh fish ksh csh env sudo su doas xargs nohup setsid timeout nice time watch " +
    "find awk gawk perl python python3 ruby node deno bun php lua ssh make busybox strace script"
  ).split(" "),
);

/** Why an entry of `allowed_commands` cannot be one, or undefined. */
export function commandRuleProblem(rule: string): string | undefined {
  if (words(rule).length === 0) return "a command has at least one word";
  return /["'`\\$|&;<>]/.test(rule)
    ? "a command is plain words: no quotes, no shell characters"
    : undefined;
}

/** Whether the entry allows more than it seems to. */
export function allowsAnyCommand(rule: string): boolean {
  const [program = "", ...more] = words(rule);
  return more.length === 0 && LAUNCHERS.has(program.slice(program.lastIndexOf("/") + 1));
}

/**
 * The entry whose words the argv starts with, each exactly: "git status" allows `git status -s`
 * but not `git push`; "ls" does not allow "/evil/ls", nor "/bin/ls".
 */
export function matchCommand(argv: readonly string[], rules: readonly string[]): RuleMatch {
  if (argv.length === 0) return { problem: "it is empty" };
  const rule = rules.find((entry) => {
    const leading = words(entry);
    return leading.length > 0 && leading.every((word, index) => argv[index] === word);
  });
  return rule === undefined
    ? { problem: "no allowed command starts it", ...narrowest(argv) }
    : { rule };
}

/** The whole argv as an entry, as far as its arguments are single plain words. */
function narrowest(argv: readonly string[]): { entry: string } | undefined {
  const end = argv.findIndex((word) => /\s|^$/.test(word) || commandRuleProblem(word));
  const entry = (end === -1 ? argv : argv.slice(0, end)).join(" ");
  return entry === "" ? undefined : { entry };
}

function words(rule: string): string[] {
  return rule.split(/\s+/).filter((word) => word !== "");
}
