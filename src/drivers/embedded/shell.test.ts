import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Bench,
  failure,
  ioOf,
  openBench,
  openDescriptors,
} from "../../../test/support/drivers/embedded/fixtures.ts";
import { DENIED_CALLS } from "./seccomp/denied-calls.ts";
import { Shell } from "./shell.ts";

const bench: Bench = openBench();
const closing = new AbortController();
const shell = new Shell(bench.workspace, ["/usr/share"], closing.signal);
const atOnce = shell.availability();
await shell.ready;
const availability = shell.availability();
const why = availability.available ? "" : ` (shell.run is off here: ${availability.reason})`;

afterAll(async () => {
  closing.abort();
  await shell.ended();
  bench[Symbol.dispose]();
});

async function run(command: string[], io = ioOf()): Promise<Record<string, unknown>> {
  return await shell.run({ command }, io);
}

async function output(...command: string[]): Promise<string> {
  const { stdout, stderr, exit_code } = await run(command);
  expect({ stderr, exit_code }).toEqual({ stderr: "", exit_code: 0 });
  return String(stdout);
}

function processesOf(line: string): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && commandLine(pid) === `${line}\0`);
}

function countProcesses(line: string): number {
  return processesOf(line).length;
}

function childrenOf(parent: number): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && Number(statusOf(pid, "PPid")) === parent);
}

function commandLine(pid: number): string {
  return contentOf(`/proc/${pid}/cmdline`);
}

/** `T` is stopped, as the kernel writes it. */
function stateOf(pid: number): string | undefined {
  return statusOf(pid, "State")?.slice(0, 1);
}

function statusOf(pid: number, field: string): string | undefined {
  const status = contentOf(`/proc/${pid}/status`);
  return new RegExp(`^${field}:\\s+(.*)$`, "m").exec(status)?.[1];
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

test("is not offered before the self-test has seen the sandbox hold", () => {
  expect(atOnce).toMatchObject({ available: false, reason: expect.stringContaining("self-test") });
});

describe.runIf(availability.available)(`shell.run${why}`, () => {
  beforeAll(() => bench.put("/tmp/shared.txt", "from the workspace\n"));

  test("passes the words on as they are, through no shell", async () => {
    const words = ["$HOME", "`id`", "a b", "", "*", "; ls", 'q"', "ü", "-n", "new\nline"];
    const printed = await output("printf", "%s\\0", ...words);
    expect(printed.split("\0").slice(0, -1)).toEqual(words);
  });

  test("answers a non-zero exit code with both outputs", async () => {
    expect(await run(["sh", "-c", "echo out; echo err >&2; exit 3"])).toEqual({
      exit_code: 3,
      stdout: "out\n",
      stderr: "err\n",
      stdout_truncated: false,
      stderr_truncated: false,
    });
  });

  test("sees the same workspace as the file actions", async () => {
    expect(await output("cat", "/tmp/shared.txt")).toBe("from the workspace\n");
    expect(await output("pwd")).toBe("/home/user\n");
    await output("sh", "-c", "echo made > /home/user/Desktop/made");
    expect(readFileSync(bench.host("/home/user/Desktop/made"), "utf8")).toBe("made\n");
  });

  test("makes its home again where a command removed it", async () => {
    renameSync(bench.host("/home/user"), bench.host("/home/away"));
    expect(await output("ls", "-A", "/home/user")).toBe("Desktop\n");
    renameSync(bench.host("/home/user"), bench.host("/home/gone"));
    symlinkSync("/tmp", bench.host("/home/user"));
    await expect(run(["true"])).rejects.toMatchObject(failure("command_failed", /is a link/));
    renameSync(bench.host("/home/user"), bench.host("/home/link"));
    renameSync(bench.host("/home/away"), bench.host("/home/user"));
  });

  test("caps each output and says so, cutting no character", async () => {
    const result = await run(["sh", "-c", "yes ä€ | head -c 500000; echo small >&2"]);
    expect(result).toMatchObject({
      exit_code: 0,
      stdout_truncated: true,
      stderr: "small\n",
      stderr_truncated: false,
    });
    expect(String(result.stdout)).toMatch(/^(ä€\n)+ä?€?$/);
    expect(Buffer.byteLength(String(result.stdout))).toBeGreaterThan(64 * 1024 - 4);
  });

  test("says what could not be started", async () => {
    await expect(run(["no-such-program"])).rejects.toMatchObject(
      failure("command_failed", /no-such-program could not be started: No such file/),
    );
    await expect(run(["/tmp/shared.txt"])).rejects.toMatchObject(
      failure("command_failed", /Permission denied/),
    );
    await expect(run(["--help"])).rejects.toMatchObject(failure("command_failed"));
    await expect(run(["echo", "x".repeat(3_000_000)])).rejects.toMatchObject(
      failure("command_failed"),
    );
    for (const command of [[], [""], ["echo", "a\0b"], ["echo", "\ud800"]]) {
      await expect(run(command)).rejects.toMatchObject(failure("invalid_request"));
    }
  });

  test("says which signal or limit ended a command", async () => {
    await expect(run(["sh", "-c", "kill -SEGV $$"])).rejects.toMatchObject(
      failure("command_failed", /SIGSEGV/),
    );
    const io = ioOf({ maxFileSize: 100_000 });
    await expect(
      run(["dd", "if=/dev/zero", "of=/tmp/large", "bs=200000", "count=1"], io),
    ).rejects.toMatchObject(failure("command_failed", /SIGXFSZ: it wrote a larger file/));
  });

  test("I11 has no environment, network, process or file of the gateway", async () => {
    expect((await output("env")).split("\n").sort()).toEqual([
      "",
      "HOME=/home/user",
      "LANG=C.UTF-8",
      "PATH=/usr/local/bin:/usr/bin:/bin",
      "PWD=/home/user",
      "TMPDIR=/tmp",
      "USER=user",
    ]);
    expect(await output("sh", "-c", "ls -d /proc/[0-9]* | wc -l")).toMatch(/^[1-9]\n$/);
    expect(await output("ls", "-A", "/usr/share")).toBe("");
    expect(await output("sh", "-c", "grep -v lo: /proc/net/dev | wc -l")).toBe("2\n");
    for (const path of [
      process.cwd(),
      bench.outside,
      bench.workspace.workdir,
      "/root",
      "/etc/shadow",
    ]) {
      expect(await run(["ls", path])).toMatchObject({ exit_code: 2, stdout: "" });
    }
  });

  test("I11 gets no descriptor that the gateway was started with", async () => {
    const listed = await output(
      "sh",
      "-c",
      "for fd in /proc/self/fd/*; do readlink $fd; done; true",
    );
    for (const place of listed.split("\n").filter((line) => line.startsWith("/"))) {
      expect(place).toMatch(/^\/(dev\/null|proc\/)/);
    }
  });

  test("I11 finds no key rings, whoever started the gateway", async () => {
    expect(await run(["cat", "/proc/keys"])).toMatchObject({ exit_code: 1, stdout: "" });
    expect(await output("cat", "/proc/self/status")).toMatch(/^Seccomp:\t2$/m);
  });

  test.runIf(existsSync("/usr/bin/perl"))("I11 makes few system calls", async () => {
    const tried = `
      my %calls = @ARGV;
      for (sort keys %calls) { print "$_\n" if syscall($calls{$_}, -100, 0, 0, 0) >= 0 || $! != 1 }
      for (1, 38, 40) { print "family $_\n" if socket(my $s, $_, 1, 0) }
      print "datagrams\n" if socketpair(my $a, my $b, 1, 2, 0);
      print "stream\n" if socketpair(my $a, my $b, 1, 1, 0);
      print "internet\n" if socket(my $s, 2, 1, 0) && socket(my $t, 10, 1, 0);`;
    const column = process.arch === "arm64" ? 1 : 0;
    const calls = Object.entries(DENIED_CALLS).flatMap(([name, numbers]) =>
      numbers[column] === undefined ? [] : [name, `${numbers[column]}`],
    );
    expect(calls.length).toBeGreaterThan(80);
    expect(await output("perl", "-e", tried, ...calls)).toBe("stream\ninternet\n");
  });

  test.runIf(existsSync("/usr/bin/perl"))(
    "I11 has no way through a socket that another program on WORKDIR serves",
    async () => {
      const path = bench.host("/tmp/relay.sock");
      let connected = 0;
      const server = createServer((socket) => {
        connected += 1;
        socket.end("relayed");
      });
      await new Promise<void>((resolve) => server.listen(path, resolve));
      chmodSync(path, 0o777);
      const script = `use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die "none: $!";
        connect($s, sockaddr_un("/tmp/relay.sock")) or die "no: $!"; print <$s>;`;
      const result = await run(["perl", "-e", script]);
      server.close();
      expect(result).toMatchObject({
        stdout: "",
        stderr: expect.stringContaining("Address family not supported"),
      });
      expect(connected).toBe(0);
    },
  );

  test("goes before the gateway where memory runs out, and cannot change that", async () => {
    const script = "echo -1000 > /proc/self/oom_score_adj; echo 0 > /proc/$PPID/oom_score_adj";
    await run(["sh", "-c", `${script}; true`]);
    const read = "cat /proc/self/oom_score_adj /proc/1/oom_score_adj";
    expect(await output("sh", "-c", `{ ${script}; } 2>/dev/null; ${read}`)).toBe("500\n500\n");
  });

  test.each(["bwrap", "sleep"])("an abort ends it while its %s is stopped", async (name) => {
    const stop = new AbortController();
    const running = run(["sleep", "987656"], ioOf({ signal: stop.signal }));
    const word = "sleep\x00987656";
    await expect.poll(() => countProcesses(word), { timeout: 10_000 }).toBe(1);
    const stopped = childrenOf(process.pid).filter((pid) => commandLine(pid).includes("987656"));
    expect(stopped).toHaveLength(1);
    const within = name === "bwrap" ? stopped : processesOf(word);
    for (const pid of within) process.kill(pid, "SIGSTOP");
    for (const pid of within) await expect.poll(() => stateOf(pid)).toBe("T");
    stop.abort();
    await expect(running).rejects.toMatchObject(failure("task_cancelled"));
    expect(countProcesses(word)).toBe(0);
  });

  test("an abort kills every process of it and waits for their end", async () => {
    const before = openDescriptors();
    const stop = new AbortController();
    const io = ioOf({ signal: stop.signal });
    const script = "setsid sleep 987654 & trap '' TERM INT HUP; echo up > /tmp/up; sleep 987654";
    const running = run(["sh", "-c", script], io);
    await expect.poll(() => bench.names("/tmp"), { timeout: 10_000 }).toContain("up");
    await expect.poll(() => countProcesses("sleep\x00987654"), { timeout: 10_000 }).toBe(2);
    stop.abort();
    await expect(running).rejects.toMatchObject(failure("task_cancelled"));
    expect(countProcesses("sleep\x00987654")).toBe(0);
    expect(openDescriptors()).toBeLessThanOrEqual(before);
  });

  test("an abort right at the start is not lost", async () => {
    for (let round = 0; round < 10; round++) {
      const stop = new AbortController();
      const running = run(["sleep", "987655"], ioOf({ signal: stop.signal }));
      for (let turn = 0; turn < round; turn++) await new Promise(setImmediate);
      stop.abort();
      await expect(running).rejects.toMatchObject(failure("task_cancelled"));
    }
    expect(countProcesses("sleep\x00987655")).toBe(0);
  });

  test("cannot multiply without end", async () => {
    const script = "i=0; while [ $i -lt 300 ]; do sleep 30 & i=$((i+1)); done; echo all";
    const result = await run(["sh", "-c", script]);
    expect(result.stdout).not.toContain("all");
    expect(result.stderr).toMatch(/fork/);
  });
});
