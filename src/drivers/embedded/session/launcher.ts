/**
 * The first program inside the session's sandbox, run there with the gateway's own Node: source text,
 * because nothing of the gateway's files may be seen there. Its argument is LauncherSetup as JSON.
 * It reads one LauncherCommand a line and writes one LauncherReport a line; when its input ends, so
 * does it, and with it everything in the sandbox.
 */
export interface LauncherSetup {
  /** Loopback ports of the sandbox that lead to unix sockets. */
  readonly relays: readonly { readonly port: number; readonly socket: string }[];
  /** Made at the start. */
  readonly directories: readonly string[];
}

export interface LauncherCommand {
  readonly id: number;
  readonly argv: readonly string[];
  /** Beside the session's own environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export type LauncherReport =
  | { readonly ready: true }
  | { readonly id: number; readonly started: true }
  | { readonly id: number; readonly failed: string }
  | { readonly id: number; readonly exited: number | null; readonly signal: string | null };

export const LAUNCHER = String.raw`
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";

const { relays, directories } = JSON.parse(process.argv[2]);
const report = (line) => process.stdout.write(JSON.stringify(line) + "\n");

for (const directory of directories) mkdirSync(directory, { recursive: true, mode: 0o700 });

function relay(from, to) {
  for (const [one, other] of [[from, to], [to, from]]) {
    one.on("error", () => other.destroy());
    one.on("close", () => { if (!one.readableEnded) other.destroy(); });
    one.pipe(other);
  }
}

await Promise.all(relays.map(({ port, socket }) => new Promise((resolve) => {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (from) =>
    relay(from, connect({ path: socket, allowHalfOpen: true })));
  server.listen(port, "127.0.0.1", resolve);
})));

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, argv: [program, ...rest], env } = JSON.parse(line);
  const child = spawn(program, rest, {
    detached: true,
    stdio: "ignore",
    env: { ...process.env, ...env },
  });
  child.once("spawn", () => report({ id, started: true }));
  child.once("error", ({ code }) => report({ id, failed: String(code) }));
  child.once("exit", (exited, signal) => report({ id, exited, signal }));
}).on("close", () => process.exit(0));

report({ ready: true });
`;
