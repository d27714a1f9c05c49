import Type from "typebox";
import { oneLine } from "../lib/inert.ts";
import { defineCapability, refuse } from "./define-capability.ts";
import { closed } from "./schema-parts.ts";
import { named } from "./wording.ts";

const MAX_BYTES = 128 * 1024;

const output = (name: string) => Type.String({ description: `${name}, at most 64 KB` });
const cut = (name: string) => Type.Boolean({ description: `${name} was longer` });

export const shellRun = defineCapability({
  action: "shell.run",
  description: "Run a command without a shell",
  note: "Runs one program with its arguments. No shell: no pipes, wildcards or variables.",
  defaultPolicy: { enabled: false, risk_level: "high", allowed_commands: [] },
  openWorld: true,
  hasEffect: true,
  danger: "shell.run is enabled: its commands run with what the sandbox holds",
  lists: ["allowed_commands"],
  risk: "high",
  lock: "nothing",
  destructive: true,
  parameters: closed({
    command: Type.Array(Type.String({ maxLength: 65_536 }), {
      minItems: 1,
      maxItems: 100,
      description:
        'The program and its arguments, each a string of its own: ["git", "status", "-s"]. No shell reads them.',
    }),
  }),
  result: closed({
    exit_code: Type.Integer(),
    stdout: output("Standard output"),
    stderr: output("Standard error"),
    stdout_truncated: cut("stdout"),
    stderr_truncated: cut("stderr"),
  }),
  normalise({ command }) {
    const bad = command.findIndex((word) => word.includes("\0") || !word.isWellFormed());
    if (bad !== -1) {
      throw refuse(`command/${bad}`, "holds NUL or half a character", "Send plain arguments.");
    }
    if (command[0] === "") {
      throw refuse("command/0", "names no program", "The first word is the program.");
    }
    const size = command.reduce((sum, word) => sum + Buffer.byteLength(word) + 1, 0);
    if (size > MAX_BYTES) {
      throw refuse("command", `has ${size} bytes, more than ${MAX_BYTES}`, "Write a file instead.");
    }
    return { command };
  },
  facts: ({ command }) => ({ command }),
  summary: ({ command }) => oneLine(`Run ${command.map(named).join(" ")}`, 2000),
  preview: ({ command }) => ({ kind: "command", argv: command }),
});
