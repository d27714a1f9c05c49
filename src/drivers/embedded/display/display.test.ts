import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import {
  missingForDisplay,
  never,
  openDisplayBench,
  openTerminal,
  owner,
} from "../../../../test/support/drivers/embedded/display/fixtures.ts";
import { connectX } from "./x-connection.ts";

/** Process ids of an X server's file system entries: everything that names this display. */
function processesOf(display: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
        return (
          command.split("\0").includes(display) ||
          environment.split("\0").includes(`DISPLAY=${display}`)
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

const serverOf = (display: string): number | undefined =>
  processesOf(display).find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("Xvfb"));

describe.skipIf(missingForDisplay())("a display", () => {
  test("is private: one socket file, a cookie of its own, an unprivileged server", async () => {
    await using bench = openDisplayBench();
    const { address } = await bench.display.use(never);
    expect(address.display).not.toBe(process.env.DISPLAY);

    const listening = readFileSync("/proc/net/unix", "utf8")
      .split("\n")
      .filter((line) => line.endsWith(address.socket));
    expect(listening.every((line) => !line.includes("@"))).toBe(true);
    const port = createConnection(6000 + Number(address.display.slice(1)), "127.0.0.1");
    await expect(once(port, "connect")).rejects.toThrow("ECONNREFUSED");

    const wrong = new Uint8Array(16);
    await expect(connectX(address.socket, wrong)).rejects.toThrow("lost");
    await expect(connectX(address.socket, new Uint8Array())).rejects.toThrow("lost");

    const directory = statSync(join(address.authority, ".."));
    expect(directory.mode & 0o777).toBe(0o700);
    expect(statSync(address.authority).mode & 0o777).toBe(0o600);
    const pid = serverOf(address.display);
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    expect(status).toMatch(/^NoNewPrivs:\s*1$/m);
    if (owner !== undefined) {
      expect(status).toMatch(new RegExp(`^Uid:\\s*${owner.uid}\\s`, "m"));
      expect(directory.uid).toBe(owner.uid);
    }
    expect(readFileSync(`/proc/${pid}/environ`, "utf8")).not.toContain("HOME=");
  });

  test("leaves nothing behind", async () => {
    const bench = openDisplayBench();
    const { address } = await bench.display.use(never);
    expect(processesOf(address.display).length).toBeGreaterThan(0);
    await bench[Symbol.asyncDispose]();
    expect(processesOf(address.display)).toEqual([]);
    expect(existsSync(address.socket)).toBe(false);
    expect(existsSync(address.authority)).toBe(false);
    await expect(bench.desktop.cursor(never)).rejects.toMatchObject({ code: "stopped" });
  });

  test("has the size that was asked for", async () => {
    await using bench = openDisplayBench({ width: 800, height: 600 });
    expect(await bench.desktop.capture(never)).toMatchObject({ width: 800, height: 600 });
  });

  test("is the same for all who ask at once", async () => {
    await using bench = openDisplayBench();
    const all = await Promise.all([1, 2, 3].map(() => bench.display.use(never)));
    expect(new Set(all).size).toBe(1);
  });

  test("that dies is replaced at the next use", async () => {
    await using bench = openDisplayBench();
    const first = await bench.display.use(never);
    const pid = serverOf(first.address.display);
    if (pid !== undefined) process.kill(pid, "SIGKILL");
    await first.ended;
    expect(processesOf(first.address.display)).toEqual([]);
    expect(existsSync(first.address.socket)).toBe(false);
    expect(await bench.desktop.cursor(never)).toEqual(expect.anything());
    const second = await bench.display.use(never);
    expect(second.address.display).not.toBe(first.address.display);
  });

  test("that dies in the middle: unknown what was sent, unavailable what was not", async () => {
    for (const [act, code] of [
      ["move", "outcome_unknown"],
      ["cursor", "desktop_unavailable"],
    ] as const) {
      await using bench = openDisplayBench();
      const { address } = await bench.display.use(never);
      const pid = serverOf(address.display);
      if (pid === undefined) throw new Error("no server");
      process.kill(pid, "SIGSTOP");
      const acting =
        act === "move" ? bench.desktop.move({ x: 1, y: 1 }, never) : bench.desktop.cursor(never);
      const failed = expect(acting).rejects.toMatchObject({ code });
      // What was asked for is on its way when a later turn of the event loop kills the server.
      await new Promise((resolve) => setImmediate(resolve));
      process.kill(pid, "SIGKILL");
      await failed;
    }
  });

  test("that hangs does not keep an abort waiting", async () => {
    await using bench = openDisplayBench();
    const { address } = await bench.display.use(never);
    const pid = serverOf(address.display);
    if (pid === undefined) throw new Error("no server");
    process.kill(pid, "SIGSTOP");
    const abort = new AbortController();
    const acting = bench.desktop.capture(abort.signal);
    abort.abort();
    await expect(acting).rejects.toMatchObject({ code: "task_cancelled" });
    process.kill(pid, "SIGKILL");
  });

  test("release on a display that never ran starts none", async () => {
    await using bench = openDisplayBench();
    await bench.desktop.release();
    expect(await bench.display.running()).toBeUndefined();
  });

  test.skipIf(missingForDisplay("openbox", "xterm"))(
    "nothing on its bare screen opens a menu or starts a program",
    async () => {
      await using bench = openDisplayBench();
      const { address } = await bench.display.use(never);
      const before = processesOf(address.display);
      const at = { x: 10, y: 900 };
      for (const button of ["left", "middle", "right"] as const) {
        await bench.desktop.click({ button, count: 1, at, holdKeys: [] }, never);
      }
      for (const keys of [
        ["Super_L", "e"],
        ["Alt_L", "F2"],
        ["Control_L", "Alt_L", "t"],
        ["Alt_L", "space"],
      ]) {
        await bench.desktop.chord(keys, never);
      }
      // By the time the window manager shows this it has dealt with all of that; a menu of its own
      // would take the keys.
      const terminal = await openTerminal(bench);
      await bench.desktop.type("typed\n", never);
      await terminal.received("typed\n");
      await terminal[Symbol.asyncDispose]();
      // The shell in it ends a moment after its window.
      await vi.waitFor(() => expect(processesOf(address.display)).toEqual(before));
    },
  );

  test("what a killed run left behind is removed", async () => {
    await using first = openDisplayBench();
    const { address } = await first.display.use(never);
    // No process has this number: it is beyond the largest.
    const stale = mkdtempSync(join(tmpdir(), "bytebot-display-4194305-59999-"));
    if (owner !== undefined) chownSync(stale, owner.uid, owner.gid);
    try {
      await using second = openDisplayBench();
      await second.display.use(never);
      expect(existsSync(stale)).toBe(false);
      expect(existsSync(address.authority)).toBe(true);
    } finally {
      rmSync(stale, { recursive: true, force: true });
    }
  });

  test("everything dies with a gateway that is killed", async () => {
    const script = `
      const { Display } = await import(${JSON.stringify(join(import.meta.dirname, "display.ts"))});
      const display = new Display({ owner: ${JSON.stringify(owner)} });
      console.log((await display.use(new AbortController().signal)).address.display);
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(child.stdout.setEncoding("utf8"), "data");
    const display = String(line).trim();
    expect(processesOf(display).length).toBeGreaterThan(0);
    child.kill("SIGKILL");
    await once(child, "exit");
    await vi.waitFor(() => expect(processesOf(display)).toEqual([]), { timeout: 10_000 });
    // Its files are tidied up by whoever comes next.
    await using next = openDisplayBench();
    await next.display.use(never);
    expect(existsSync(`/tmp/.X11-unix/X${display.slice(1)}`)).toBe(false);
  });

  test.skipIf(missingForDisplay("openbox"))("a window manager that ends is replaced", async () => {
    await using bench = openDisplayBench();
    const { address } = await bench.display.use(never);
    const manager = (): number | undefined =>
      processesOf(address.display).find((pid) =>
        readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("openbox"),
      );
    const first = manager();
    if (first === undefined) throw new Error("no window manager");
    process.kill(first, "SIGKILL");
    await vi.waitFor(() => expect(manager()).not.toBeOneOf([first, undefined]), {
      timeout: 10_000,
    });
  });

  test("an empty screen has no focused window", async () => {
    await using bench = openDisplayBench();
    expect(await bench.desktop.focus(never)).toBeUndefined();
  });
});
