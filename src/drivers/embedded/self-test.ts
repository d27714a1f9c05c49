import { readlinkSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import type { Outcome } from "./sandboxed-command.ts";
import { temporaryName } from "./staged-file.ts";

/** Namespaces the sandbox must not share with us. */
const NAMESPACES = ["ipc", "mnt", "net", "pid", "user", "uts"];

/**
 * Runs inside. Each line of its output is a fact; `held: X` says that X was tried and refused.
 * Values arrive as arguments, never inside the text: $1 our port, $2 a file of ours, the rest are
 * directories of ours that must look empty. Where there is no bash to connect with, the network
 * namespace, which is compared anyway, decides alone.
 */
const PROBE = `
refused() { name=$1; shift; if "$@" 2>/dev/null; then echo "broke: $name"; else echo "held: $name"; fi; }
write_proc() { echo 60 > /proc/sys/vm/swappiness; }
write_usr() { echo x > /usr/.bytebot-probe; }
write_root() { echo x > /.bytebot-probe; }
remount() { mount -o remount,rw /usr || mount -t tmpfs none /tmp; }
connect() { bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0"' "$1"; }
for tool in mount unshare cat grep readlink; do command -v "$tool" >/dev/null || echo "missing: $tool"; done
refused "write /proc/sys" write_proc
refused "write /usr" write_usr
refused "write /" write_root
refused "remount" remount
refused "nested user namespace" unshare --user true
refused "connect to the gateway's loopback" connect "$1"
refused "read a file outside" cat "$2"
if grep -q "^CapBnd:[[:space:]]*0*$" /proc/self/status; then echo "held: capabilities"; else echo "broke: capabilities"; fi
if grep -q "^NoNewPrivs:[[:space:]]*1$" /proc/self/status; then echo "held: new privileges"; else echo "broke: new privileges"; fi
for space in ${NAMESPACES.join(" ")}; do echo "namespace: $(readlink "/proc/self/ns/$space")"; done
shift 2
for place in "$@"; do for file in "$place"/* "$place"/.[!.]*; do if [ -e "$file" ]; then echo "broke: hide $place"; break; fi; done; done
echo "done"
`;

/** Everything PROBE must have found to hold. */
const REQUIRED = [
  "write /proc/sys",
  "write /usr",
  "write /",
  "remount",
  "nested user namespace",
  "connect to the gateway's loopback",
  "read a file outside",
  "capabilities",
  "new privileges",
];

export interface SandboxProblem {
  readonly reason: string;
  readonly hint: string;
}

/**
 * Tries from inside the sandbox what must be impossible there. Resolves with what is wrong with it,
 * or undefined where a plain command works and everything held. `covered` are the directories of
 * ours that it has to cover.
 */
export async function testSandbox(
  workdir: string,
  covered: readonly string[],
  run: (command: readonly string[]) => Promise<Outcome>,
): Promise<SandboxProblem | undefined> {
  // Only the directories in WORKDIR are the sandbox's: a file beside them is outside.
  const canary = join(workdir, temporaryName());
  let connections = 0;
  const listener = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  try {
    const plain = await run(["true"]);
    if (plain.exitCode !== 0) return doesNotWork(plain);
    writeFileSync(canary, "outside\n", { flag: "wx", mode: 0o644 });
    const port = await listen(listener);
    const probe = await run(["sh", "-c", PROBE, "probe", `${port}`, canary, ...covered]);
    const leaks = leaksIn(probe.stdout.text.split("\n"));
    if (connections > 0) leaks.push("connect to the gateway's loopback");
    return leaks.length === 0 ? undefined : leaky(leaks);
  } catch (error) {
    return {
      reason: `the sandbox's self-test could not run: ${error instanceof Error ? error.message : error}`,
      hint: "See the gateway's log, then restart.",
    };
  } finally {
    rmSync(canary, { force: true });
    listener.close();
  }
}

function leaksIn(lines: readonly string[]): string[] {
  const stated = (kind: string): string[] =>
    lines.filter((line) => line.startsWith(kind)).map((line) => line.slice(kind.length));
  const held = new Set(stated("held: "));
  const shared = stated("namespace: ").filter((name) => ours().has(name));
  const isWhole = lines.includes("done") && stated("namespace: ").length === NAMESPACES.length;
  return [
    ...stated("broke: "),
    ...stated("missing: ").map((tool) => `${tool} is not installed, which the test needs`),
    ...REQUIRED.filter((name) => !held.has(name) && !stated("broke: ").includes(name)),
    ...shared.map((name) => `shares ${name}`),
    ...(isWhole ? [] : ["the test did not finish"]),
  ];
}

function ours(): Set<string> {
  return new Set(NAMESPACES.map((name) => readlinkSync(`/proc/self/ns/${name}`)));
}

function listen(listener: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(0, "127.0.0.1", () => {
      const address = listener.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

function doesNotWork({ stderr }: Outcome): SandboxProblem {
  const said = stderr.text.split("\n", 1)[0] ?? "";
  return {
    reason: `the sandbox does not come up on this machine: ${said || "no reason given"}`,
    hint:
      "It needs unprivileged user namespaces, bubblewrap 0.8 or newer, and directories above WORKDIR " +
      "that the sandbox's user may pass; most containers forbid the first.",
  };
}

function leaky(leaks: readonly string[]): SandboxProblem {
  return {
    reason: `the sandbox does not hold: ${leaks.join("; ")}`,
    hint: "Run the gateway where bubblewrap isolates: shell.run stays off until it does.",
  };
}
