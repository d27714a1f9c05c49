import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { SANDBOX_ID } from "../../src/lib/sandbox-user.ts";
import { startBench } from "../support/drivers/embedded/egress/fixtures.ts";
import { alive, missingForSession } from "../support/drivers/embedded/session/fixtures.ts";

const missing = missingForSession("xterm");

describe.skipIf(missing !== undefined)("a gateway that is killed", () => {
  test("leaves no program, no sandbox and no display; its socket goes at the next start", async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "egress-child.ts")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    const { started, workspace, egress } = JSON.parse(String(line));
    expect(alive(started).length).toBeGreaterThan(6);
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
    // The end of a process that is nobody's child here makes no event.
    while (alive(started).length > 0) await pause(10);
    expect(existsSync(egress)).toBe(true);
    const isRoot = process.geteuid?.() === 0;
    await using _next = await startBench({
      owner: isRoot ? { uid: SANDBOX_ID, gid: SANDBOX_ID } : undefined,
    });
    expect(existsSync(dirname(egress))).toBe(false);
    rmSync(dirname(workspace), { recursive: true, force: true });
  });
});
