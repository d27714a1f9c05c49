import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { droppedCommand } from "./dropped-command.ts";
import { findProgram } from "./sandbox-tools.ts";

const setpriv = findProgram("setpriv");

describe.runIf(setpriv !== undefined)("droppedCommand", () => {
  it("runs the command with its arguments as they are", () => {
    const [program = "", ...rest] = droppedCommand(setpriv ?? "", undefined, [
      "/usr/bin/printf",
      "%s|",
      "a b",
      "$HOME",
      "",
    ]);
    const { stdout, status } = spawnSync(program, rest, { encoding: "utf8" });
    expect([stdout, status]).toEqual(["a b|$HOME||", 0]);
  });

  it("does not run it for another parent: the gateway was gone before it could be told", () => {
    const command = droppedCommand(setpriv ?? "", undefined, ["/usr/bin/printf", "ran"]);
    // A shell in between is the parent, as init is that of an orphan.
    const { stdout, status } = spawnSync("/bin/sh", ["-c", '"$@"; exit $?', "sh", ...command], {
      encoding: "utf8",
    });
    expect([stdout, status]).toEqual(["", 1]);
  });
});
