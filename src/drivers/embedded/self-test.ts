import { randomBytes } from "node:crypto";
import { lstatSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { FACT_SCRIPT, type FactArgument, PROBES, PROXY_WORKS, type SandboxKind } from "./probes.ts";
import type { Outcome } from "./sandboxed-command.ts";
import { keyctlNumber } from "./seccomp/denied-calls.ts";
import { temporaryName } from "./staged-file.ts";

/** Namespaces the sandbox must not share with us. */
const NAMESPACES = ["ipc", "mnt", "net", "pid", "user", "uts"];

/** A sandbox that is to be offered. */
export interface Tested {
  readonly kind: SandboxKind;
  readonly workdir: string;
  /** Directories of ours that it covers, and so must look empty. */
  readonly covered: readonly string[];
  /** Runs an argument list in it. */
  run(command: readonly string[]): Promise<Outcome>;
  /** Its programs have a way out, to be tried with the Node that is inside. */
  readonly wayOut?: {
    /** Path inside. */
    readonly node: string;
    /** Path of the egress proxy's socket inside. */
    readonly egressSocket: string;
    /** Directories of ours that must not be seen. */
    readonly hidden: readonly string[];
  };
}

export interface SandboxProblem {
  readonly reason: string;
  readonly hint: string;
}

/** What it is called, and what stays off while it does not hold. */
const TITLES: Readonly<Record<SandboxKind, { readonly sandbox: string; readonly off: string }>> = {
  commands: { sandbox: "the sandbox", off: "shell.run" },
  desktop: { sandbox: "the desktop's sandbox", off: "the desktop" },
};

/**
 * Tries from inside a sandbox what must be impossible there: every probe of its kind. Resolves with
 * what is wrong with it, or undefined where a plain command works and everything held.
 */
export async function testSandbox(tested: Tested): Promise<SandboxProblem | undefined> {
  // Only the directories in WORKDIR are the sandbox's: a file beside them is outside.
  const canary = join(tested.workdir, temporaryName());
  const outside = new Outside();
  try {
    const plain = await tested.run(["true"]);
    if (plain.exitCode !== 0) return doesNotWork(tested.kind, plain);
    writeFileSync(canary, "outside\n", { flag: "wx", mode: 0o644 });
    const port = await outside.listen({ host: "127.0.0.1", port: 0 });
    const facts = tested.wayOut === undefined ? [] : await outside.factArguments(tested.wayOut);
    const words = [`${port}`, canary, `${keyctlNumber() ?? ""}`, `${facts.length}`, ...facts];
    const probe = await tested.run([
      ...["sh", "-c", scriptFor(tested.kind), "probe"],
      ...words,
      ...tested.covered,
    ]);
    const lines = probe.stdout.text.split("\n");
    const leaks = leaksIn(lines, tested.kind);
    if (outside.connections > 0) leaks.push("connect to the gateway's loopback");
    if (leaks.length > 0) return leaky(tested.kind, leaks);
    return tested.wayOut === undefined || lines.includes(PROXY_WORKS) ? undefined : NO_WAY_OUT;
  } catch (error) {
    return {
      reason: `the self-test of ${TITLES[tested.kind].sandbox} could not run: ${error instanceof Error ? error.message : error}`,
      hint: "See the gateway's log, then restart.",
    };
  } finally {
    rmSync(canary, { force: true });
    outside[Symbol.dispose]();
  }
}

/**
 * Runs inside. Each line of its output is a fact; `held: X` says that X was tried and refused. Its
 * arguments: our port, a file of ours, the number of keyctl, how many words follow that find out
 * $facts, these words, and directories of ours that must look empty.
 */
function scriptFor(kind: SandboxKind): string {
  const attempts = probesOf(kind).map(
    ({ name, attempt }) =>
      `if ( ${attempt} ) >/dev/null 2>&1; then echo "broke: ${name}"; else echo "held: ${name}"; fi`,
  );
  return `
port=$1; canary=$2; keyctl=$3; words=$4; shift 4
for tool in mount unshare cat grep readlink; do command -v "$tool" >/dev/null || echo "missing: $tool"; done
if [ "$words" -gt 0 ]; then facts=$("$1" -e "$2" -- "$3"); shift 3; printf '%s\\n' "$facts"; fi
${attempts.join("\n")}
for space in ${NAMESPACES.join(" ")}; do echo "namespace: $(readlink "/proc/self/ns/$space")"; done
for place in "$@"; do for file in "$place"/* "$place"/.[!.]*; do if [ -e "$file" ]; then echo "broke: hide $place"; break; fi; done; done
echo "done"
`;
}

function probesOf(kind: SandboxKind) {
  return PROBES.filter(({ of = kind }) => of === kind);
}

function leaksIn(lines: readonly string[], kind: SandboxKind): string[] {
  const stated = (about: string): string[] =>
    lines.filter((line) => line.startsWith(about)).map((line) => line.slice(about.length));
  const held = new Set(stated("held: "));
  const broke = stated("broke: ");
  const required = probesOf(kind).map(({ name }) => name);
  const shared = stated("namespace: ").filter((name) => ours().has(name));
  const isWhole = lines.includes("done") && stated("namespace: ").length === NAMESPACES.length;
  return [
    ...broke,
    ...stated("missing: ").map((tool) => `${tool} is not installed, which the test needs`),
    ...required.filter((name) => !held.has(name) && !broke.includes(name)),
    ...shared.map((name) => `shares ${name}`),
    ...(isWhole ? [] : ["the test did not finish"]),
  ];
}

function ours(): Set<string> {
  return new Set(NAMESPACES.map((name) => readlinkSync(`/proc/self/ns/${name}`)));
}

/** Places of this machine that a sandbox must not reach. */
class Outside implements Disposable {
  /** How many reached them. */
  connections = 0;
  readonly #servers: Server[] = [];

  /** Resolves with the port. Whoever connects is hung up on. */
  async listen(where: { host: string; port: number } | { path: string }): Promise<number> {
    const server = createServer((socket) => {
      this.connections += 1;
      socket.destroy();
    });
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(where, resolve);
    });
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** The words that run FACT_SCRIPT inside. */
  async factArguments(wayOut: NonNullable<Tested["wayOut"]>): Promise<string[]> {
    const hosts = ["127.0.0.1", ...outerAddresses()];
    const ports = await Promise.all(hosts.map((host) => this.listen({ host, port: 0 })));
    const abstract = `bytebot-self-test-${randomBytes(8).toString("hex")}`;
    await this.listen({ path: `\0${abstract}` });
    const argument: FactArgument = {
      listeners: hosts.map((host, at) => ({ host, port: ports[at] ?? 0 })),
      abstract,
      egress: wayOut.egressSocket,
      hidden: wayOut.hidden.flatMap(identityOf),
    };
    return [wayOut.node, FACT_SCRIPT, JSON.stringify(argument)];
  }

  [Symbol.dispose](): void {
    for (const server of this.#servers) server.close();
  }
}

function outerAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === "IPv4")
    .map(({ address }) => address);
}

function identityOf(path: string): FactArgument["hidden"] {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? [] : [{ path, dev: `${stats.dev}`, ino: `${stats.ino}` }];
}

const NO_WAY_OUT: SandboxProblem = {
  reason: "the desktop's programs cannot reach the gateway's proxy",
  hint: "See the gateway's log, then restart.",
};

function doesNotWork(kind: SandboxKind, { stderr }: Outcome): SandboxProblem {
  const said = stderr.text.split("\n", 1)[0] ?? "";
  return {
    reason: `${TITLES[kind].sandbox} does not come up on this machine: ${said || "no reason given"}`,
    hint:
      "It needs unprivileged user namespaces, bubblewrap 0.8 or newer, and directories above WORKDIR " +
      "(for the desktop also above the gateway's Node) that the sandbox's user may pass; most " +
      "containers forbid the first.",
  };
}

function leaky(kind: SandboxKind, leaks: readonly string[]): SandboxProblem {
  const { sandbox, off } = TITLES[kind];
  return {
    reason: `${sandbox} does not hold: ${leaks.join("; ")}`,
    hint: `Run the gateway where bubblewrap isolates: ${off} stays off until it does.`,
  };
}
