import { readlinkSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import type { Outcome } from "./sandboxed-command.ts";
import { type SandboxProblem, type Tested, testSandbox } from "./self-test.ts";

const NAMESPACES = ["ipc", "mnt", "net", "pid", "user", "uts"];
const HELD = [
  "write /proc/sys",
  "write /usr",
  "write /",
  "remount",
  "nested user namespace",
  "connect to the gateway's loopback",
  "read a file outside",
  "capabilities",
  "new privileges",
  "unfiltered system calls",
  "read the key rings",
  "use the key rings",
  "sockets to other virtual machines",
  "be spared where memory runs out",
  "unix sockets",
];
const GOOD = [
  ...HELD.map((name) => `held: ${name}`),
  ...NAMESPACES.map((name) => `namespace: ${name}:[1]`),
  "done",
];

function outcome(exitCode: number | undefined, lines: readonly string[], said = ""): Outcome {
  return {
    exitCode,
    stdout: { text: lines.join("\n"), truncated: false },
    stderr: { text: said, truncated: false },
  };
}

function probe(run: Tested["run"]): Promise<SandboxProblem | undefined> {
  return testSandbox({ kind: "commands", workdir: tmpdir(), covered: [], run });
}

/** A sandbox that runs `true` and answers the probe with these lines. */
async function judge(lines: readonly string[]): Promise<string | undefined> {
  const problem = await probe(async ([program]) =>
    program === "true" ? outcome(0, []) : outcome(0, lines),
  );
  return problem?.reason;
}

test("accepts a sandbox in which all held", async () => {
  expect(await judge(GOOD)).toBeUndefined();
});

test.each(HELD)("I11 refuses a sandbox that lets itself: %s", async (name) => {
  expect(
    await judge(GOOD.map((line) => line.replace(`held: ${name}`, `broke: ${name}`))),
  ).toContain(name);
  expect(await judge(GOOD.filter((line) => line !== `held: ${name}`))).toContain(name);
});

test("I11 refuses a sandbox that shares a namespace, shows what is ours, or was not fully tested", async () => {
  const own = readlinkSync("/proc/self/ns/net");
  expect(await judge(GOOD.map((line) => line.replace("net:[1]", own)))).toContain(`shares ${own}`);
  expect(await judge([...GOOD, "broke: hide /usr/src/app"])).toContain("hide /usr/src/app");
  expect(await judge([...GOOD, "missing: mount"])).toContain("mount is not installed");
  expect(await judge(GOOD.slice(0, -1))).toContain("did not finish");
  expect(await judge(GOOD.filter((line) => !line.startsWith("namespace: pid")))).toContain(
    "did not finish",
  );
  expect(await judge([])).toContain("did not finish");
});

test("I11 believes its own listener over what the probe says", async () => {
  const problem = await probe(async ([program, , , , port]) => {
    if (program === "true") return outcome(0, []);
    const socket = connect(Number(port), "127.0.0.1");
    await new Promise((resolve) => socket.once("close", resolve).resume());
    return outcome(0, GOOD);
  });
  expect(problem?.reason).toContain("connect to the gateway's loopback");
});

test("passes on why a sandbox does not come up", async () => {
  const said = "bwrap: No permissions to create new namespace\nmore";
  expect(await probe(async () => outcome(undefined, [], said))).toMatchObject({
    reason: expect.stringMatching(/: bwrap: No permissions to create new namespace$/),
  });
  expect(
    await probe(async () => {
      throw new Error("spawn EAGAIN");
    }),
  ).toMatchObject({ reason: expect.stringContaining("spawn EAGAIN") });
});
