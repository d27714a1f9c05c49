import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { expect, onTestFinished, test, vi } from "vitest";
import { openBench } from "../../../test/support/drivers/embedded/fixtures.ts";
import { findProgram } from "./sandbox-tools.ts";
import { sweepSandboxes } from "./sweep-sandboxes.ts";

const bwrap = findProgram("bwrap");

/** A sandbox that keeps running when whoever started it ends, and its pid. */
function startOrphan(workdir: string): number {
  const sandbox = `${bwrap} --ro-bind / / --bind ${workdir}/tmp /mnt sleep 600`;
  const started = spawnSync("/bin/sh", ["-c", `${sandbox} >/dev/null 2>&1 & echo $!`], {
    encoding: "utf8",
  });
  const pid = Number(started.stdout);
  onTestFinished(() => {
    spawnSync("kill", ["-9", String(pid)]);
  });
  return pid;
}

const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));

test.runIf(bwrap !== undefined && process.geteuid?.() === 0)(
  "ends what a killed run left of its own WORKDIR, and no other's",
  async () => {
    using bench = openBench();
    using other = openBench();
    const [ours, theirs] = [
      startOrphan(bench.workspace.workdir),
      startOrphan(other.workspace.workdir),
    ];
    const name = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, "utf8");
    await vi.waitFor(() => expect([name(ours), name(theirs)].join()).toMatch(/bwrap.*bwrap/));
    sweepSandboxes(bench.workspace.workdir);
    await vi.waitFor(() => expect(isAlive(ours)).toBe(false));
    expect(isAlive(theirs)).toBe(true);
  },
);
