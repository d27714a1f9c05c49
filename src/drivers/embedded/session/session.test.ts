import { mkdirSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import {
  alive,
  familyOf,
  missingForSession,
  never,
  openSessionBench,
} from "../../../../test/support/drivers/embedded/session/fixtures.ts";
import { failure } from "../../../../test/support/drivers/step/fixtures.ts";
import { Programs } from "./programs.ts";
import { type Session, startSession } from "./session.ts";

const missing = missingForSession("xterm");

describe.skipIf(missing !== undefined)("a session", async () => {
  if (missing !== undefined) return;
  const bench = await openSessionBench();
  afterAll(() => bench[Symbol.asyncDispose]());

  /** Runs a shell script in a session and returns what it writes to the file of the workspace it gets. */
  async function run(session: Session, script: string): Promise<string> {
    const program = await session.start(["/bin/sh", "-c", `{ ${script}\n} > /tmp/said 2>&1`]);
    await program.exited;
    return readFileSync(bench.workspace.host("/tmp/said"), "utf8").trim();
  }

  async function open(): Promise<Session> {
    return await startSession(await bench.place(), never);
  }

  test("sees the workspace at its places, the display, and little else", async () => {
    bench.workspace.put("/home/user/here.txt", "of the workspace");
    await using session = await open();
    expect(await run(session, "cat /home/user/here.txt; pwd; whoami")).toBe(
      "of the workspace/home/user\nuser",
    );
    expect(await run(session, "ls /etc; ls /etc/ssl")).not.toMatch(
      /shadow|hostname|private|^apt$/m,
    );
    expect(await run(session, "ls / /run /run/user")).not.toContain("work");
    expect(
      await run(
        session,
        "for f in /usr/x /etc/x /run/x /x; do echo 2>/dev/null > $f && echo $f; done",
      ),
    ).toBe("");
  });

  test("I7 has no environment but its own", async () => {
    process.env.BYTEBOT_TEST_SECRET = "secret";
    await using session = await open();
    delete process.env.BYTEBOT_TEST_SECRET;
    const names = (await run(session, "cat /proc/1/environ /proc/self/environ | tr '\\0' '\\n'"))
      .split("\n")
      .map((line) => line.split("=")[0]);
    expect(names).toContain("DISPLAY");
    expect(names).not.toContain("BYTEBOT_TEST_SECRET");
  });

  test("programs end as they end, and one that is not there is said to be missing", async () => {
    await using session = await open();
    const failing = await session.start(["/bin/sh", "-c", "exit 3"]);
    expect(await failing.exited).toEqual({ code: 3, signal: null });
    const killed = await session.start(["/bin/sh", "-c", "kill -9 $$"]);
    expect(await killed.exited).toEqual({ code: null, signal: "SIGKILL" });
    await expect(session.start(["/usr/bin/not-there"])).rejects.toMatchObject(
      failure("desktop_unavailable", /not-there cannot be started: ENOENT/),
    );
  });

  test("a program shows its window on the display", async () => {
    await using session = await open();
    const live = await bench.display.use(never);
    const before = live.connection;
    const program = await session.start(["/usr/bin/xterm", "-e", "true"]);
    expect(await program.exited).toEqual({ code: 0, signal: null });
    const refused = await session.start(["/usr/bin/xterm", "-e", "true"], { XAUTHORITY: "/none" });
    expect((await refused.exited).code).not.toBe(0);
    expect(before).toBe((await bench.display.use(never)).connection);
  });

  test("disposal leaves nothing behind, detached programs neither", async () => {
    const session = await open();
    await session.start(["/bin/sh", "-c", "setsid sleep 1000 & exec sleep 1000"]);
    const family = (): number[] =>
      familyOf(process.pid).filter((pid) => /bwrap|launcher|sleep/.test(commandOf(pid)));
    const sleeping = (pid: number): boolean => /^\S*sleep /.test(commandOf(pid));
    await until(() => family().filter(sleeping).length === 2);
    const all = family();
    await session[Symbol.asyncDispose]();
    expect(alive(all)).toEqual([]);
  });

  test("one that is killed ends its programs, and takes no more", async () => {
    await using session = await open();
    const program = await session.start(["/bin/sleep", "1000"]);
    session.kill();
    expect(await program.exited).toEqual({ code: null, signal: null });
    await session.ended;
    expect(session.isAlive).toBe(false);
    await expect(session.start(["/bin/true"])).rejects.toMatchObject(
      failure("desktop_unavailable"),
    );
  });

  test("one whose launcher was stopped is ended, and a start in it can be given up", async () => {
    await using session = await startSession(await bench.place(), never, 2000);
    await session.start(["/bin/sleep", "1000"]);
    const [launcher = 0] = familyOf(process.pid).filter((pid) =>
      commandOf(pid).startsWith("/run/gateway/node "),
    );
    // As a program of the session could.
    process.kill(launcher, "SIGSTOP");
    await until(() => /^State:\s+T/m.test(statusOf(launcher)));
    const giving = new AbortController();
    const given = session.start(["/bin/true"], {}, giving.signal);
    giving.abort();
    await expect(given).rejects.toMatchObject(failure("task_cancelled"));
    await expect(session.start(["/bin/true"])).rejects.toMatchObject(failure("outcome_unknown"));
    await session.ended;
    expect(session.isAlive).toBe(false);
  });

  test("has unix sockets, but no key rings and no other virtual machines", async () => {
    await using session = await open();
    expect(await run(session, "cat /proc/keys; grep ^Seccomp: /proc/self/status")).toBe(
      "cat: /proc/keys: Permission denied\nSeccomp:\t2",
    );
    const sockets = `for (1, 40) { print "$_\\n" if socket(my $s, $_, 1, 0) }`;
    expect(await run(session, `perl -e '${sockets}'`)).toBe("1");
    expect(
      await run(session, "echo 0 > /proc/self/oom_score_adj; cat /proc/self/oom_score_adj"),
    ).toMatch(/\n500$/);
  });

  test("an abort ends the start, and one that cannot come up says why", async () => {
    const aborting = new AbortController();
    const starting = startSession(await bench.place(), aborting.signal);
    aborting.abort();
    await expect(starting).rejects.toMatchObject(failure("task_cancelled"));
    const nowhere = await bench.place({ mounts: ["--bind", "/does/not/exist", "/tmp/x"] });
    await expect(startSession(nowhere, never)).rejects.toMatchObject(
      failure("desktop_unavailable", /does not come up: bwrap: .*does\/not\/exist/),
    );
  });

  describe("of the desktop's programs", () => {
    const applications = {
      waits: ["/bin/sleep", "1000"],
      ends: ["/bin/true"],
      fails: ["/bin/false"],
      ordinary: ["/bin/sh", "-c", "echo $DISPLAY > /tmp/started"],
    };

    async function programs(): Promise<Programs> {
      const { workspace, hidden, egressSocket } = await bench.place();
      const opened = new Programs({
        ...{ workspace, hidden, egressSocket, applications },
        display: (signal) => bench.address(signal),
      });
      expect(opened.availability()).toMatchObject({
        available: false,
        code: "desktop_unavailable",
      });
      await opened.ready;
      expect(opened.availability()).toEqual({ available: true });
      return opened;
    }

    test("opens applications by name; one that ends at once has failed or handed over", async () => {
      await using opened = await programs();
      await opened.openApplication("waits", never);
      await opened.openApplication("ends", never);
      await expect(opened.openApplication("fails", never)).rejects.toMatchObject(
        failure("desktop_unavailable", /fails ended as soon as it was started \(exit code 1\)/),
      );
      await expect(opened.openApplication("unknown", never)).rejects.toMatchObject(
        failure("desktop_unavailable"),
      );
      await expect(opened.openUrl("file:///etc/passwd", never)).rejects.toMatchObject(
        failure("invalid_request"),
      );
    });

    test("starts a new session where the old one or its display has died", async () => {
      await using opened = await programs();
      await opened.openApplication("waits", never);
      const sandboxes = (): number[] =>
        familyOf(process.pid).filter((pid) => /^\/run\/gateway\/node/.test(commandOf(pid)));
      const [launcher = 0] = sandboxes();
      process.kill(launcher, "SIGKILL");
      // Whether a program started is unknown while the end of its session is on its way to us.
      const again = (): Promise<void> => opened.openApplication("waits", never);
      await again().catch((error) => {
        expect(error).toMatchObject(failure("outcome_unknown"));
        return again();
      });
      expect(sandboxes()).toHaveLength(1);
      const { ended } = await bench.display.use(never);
      const xvfb = familyOf(process.pid).find((pid) => commandOf(pid).includes("Xvfb :")) ?? 0;
      process.kill(xvfb, "SIGKILL");
      await ended;
      const old = sandboxes();
      await opened.openApplication("ordinary", never);
      expect(alive(old)).toEqual([]);
    });

    test("a stop while it starts is heard, and disposal ends what runs", async () => {
      const opened = await programs();
      const stop = AbortSignal.abort();
      await expect(opened.openApplication("waits", stop)).rejects.toMatchObject(
        failure("task_cancelled"),
      );
      await opened.openApplication("waits", never);
      const family = familyOf(process.pid).filter((pid) => commandOf(pid).includes("sleep"));
      expect(family).toHaveLength(1);
      await opened[Symbol.asyncDispose]();
      expect(alive(family)).toEqual([]);
      await expect(opened.openApplication("waits", never)).rejects.toMatchObject(
        failure("stopped"),
      );
    });
  });

  test("the workspace's tmp stays clean of what sessions need", () => {
    mkdirSync(bench.workspace.host("/tmp"), { recursive: true });
    expect(
      bench.workspace.names("/tmp").filter((name) => name !== "said" && name !== "started"),
    ).toEqual([]);
  });
});

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return "";
  }
}

/** For what cannot be awaited: these processes are not children of this one. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
