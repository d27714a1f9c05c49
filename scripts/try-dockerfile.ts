import { execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Carries out the Dockerfile without a container engine: each stage is a folder, its steps run in it
 * through bubblewrap at the same absolute paths, with this machine's /usr and this project's Node in
 * the place of the base image. Then the result starts as UID 10001 on a read-only root and its
 * health check is run. What it cannot show: the base image itself, and layers.
 *
 *     node scripts/try-dockerfile.ts      as root, with bubblewrap installed
 */
const root = dirname(import.meta.dirname);
const node = process.execPath;
const OWN = ["app", "config", "work", "data", "secrets"];
const SECRETS = ["SHARED_SECRET", "API_TOKEN", "APPROVER_SECRET", "AUDIT_KEY"];

interface Stage {
  readonly name: string;
  /** What stands for the image's file system: only the folders the Dockerfile makes. */
  readonly directory: string;
  readonly env: Record<string, string>;
  cwd: string;
  user: string;
  command: string[];
  probe: string[];
}

const STEPS: Readonly<Record<string, (stage: Stage, rest: string) => void>> = {
  WORKDIR: (stage, path) => {
    stage.cwd = path;
    mkdirSync(join(stage.directory, path), { recursive: true });
  },
  ENV: (stage, text) => {
    for (const [, name = "", value = ""] of text.matchAll(/(\w+)=(\S+)/g)) stage.env[name] = value;
  },
  USER: (stage, user) => {
    stage.user = user;
  },
  COPY: copy,
  RUN: (stage, command) => {
    const options = sandbox(stage, { readOnly: false });
    execFileSync("bwrap", [...options, "sh", "-c", command], { stdio: "inherit" });
  },
  HEALTHCHECK: (stage, text) => {
    stage.probe = JSON.parse(text.replace(/^.* CMD /, ""));
  },
  CMD: (stage, text) => {
    stage.command = JSON.parse(text);
  },
};

const base = mkdtempSync(join(tmpdir(), "dockerfile-"));
const stages: Stage[] = [];
try {
  for (const line of instructions(readFileSync(join(root, "Dockerfile"), "utf8"))) step(line);
  const image = stages.at(-1);
  if (image === undefined) throw new Error("the Dockerfile has no stage");
  await startAndProbe(image);
} finally {
  rmSync(base, { recursive: true, force: true });
}

function instructions(text: string): string[] {
  const joined = text.replaceAll(/^#.*\n/gm, "").replaceAll("\\\n", " ");
  return joined.split("\n").filter((line) => line.trim() !== "");
}

function step(line: string): void {
  console.log(line.trim().replaceAll(/\s+/g, " ").slice(0, 120));
  const [, name = "", rest = ""] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
  const stage = stages.at(-1);
  if (name === "FROM") stages.push(newStage(/ AS (\w+)$/.exec(rest)?.[1] ?? "image"));
  else if (stage !== undefined) STEPS[name]?.(stage, rest);
}

function newStage(name: string): Stage {
  const directory = join(base, name);
  for (const folder of OWN) mkdirSync(join(directory, folder), { recursive: true });
  return { name, directory, env: {}, cwd: "/", user: "0:0", command: [], probe: [] };
}

function copy(stage: Stage, text: string): void {
  const words = text.trim().split(/\s+/);
  const from = words[0]?.startsWith("--from=") ? words.shift()?.slice("--from=".length) : undefined;
  const origin = from === undefined ? root : stages.find(({ name }) => name === from)?.directory;
  const target = words.pop();
  if (origin === undefined || target === undefined) throw new Error(`COPY ${text}`);
  const place = join(stage.directory, resolve(stage.cwd, target));
  for (const word of words) {
    const source = join(origin, word);
    const isFolder = statSync(source).isDirectory();
    const file = isFolder || !target.endsWith("/") ? place : join(place, basename(source));
    cpSync(source, file, { recursive: true, verbatimSymlinks: true, filter: isSent });
  }
}

/** `.dockerignore` leaves tests out. */
function isSent(file: string): boolean {
  return !(file.startsWith(join(root, "src")) && file.endsWith(".test.ts"));
}

function sandbox(stage: Stage, { readOnly }: { readOnly: boolean }): string[] {
  const system = ["/usr", "/bin", "/lib", "/lib64", "/etc", "/opt"].filter((path) =>
    existsSync(path),
  );
  const writable = readOnly ? ["work", "data"] : OWN;
  return [
    "--unshare-pid",
    "--die-with-parent",
    "--clearenv",
    ...system.flatMap((path) => ["--ro-bind", path, path]),
    // Writable for whoever the image runs as, as /tmp is in it.
    ...["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/tmp"],
    ...OWN.flatMap((folder) => [
      writable.includes(folder) ? "--bind" : "--ro-bind",
      join(stage.directory, folder),
      `/${folder}`,
    ]),
    ...["--ro-bind", node, "/tmp/bin/node", "--chdir", stage.cwd],
    ...Object.entries({
      HOME: "/tmp",
      ...registryAccess(),
      PATH: "/tmp/bin:/usr/local/bin:/usr/bin:/bin",
      ...stage.env,
    }).flatMap(([name, value = ""]) => ["--setenv", name, value]),
  ];
}

/** How this machine reaches the registry, for the steps that install. */
function registryAccess(): Record<string, string | undefined> {
  const names = Object.keys(process.env).filter((name) =>
    /^(npm_config_|NODE_EXTRA_CA_CERTS$|SSL_CERT_|https?_proxy$|no_proxy$)/i.test(name),
  );
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

async function startAndProbe(image: Stage): Promise<void> {
  const [uid = 0, gid = 0] = image.user.split(":").map(Number);
  for (const name of SECRETS) image.env[name] = randomBytes(32).toString("base64url");
  image.env.PORT = String(await freePort());
  const user = ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--no-new-privs"];
  const inside = [...sandbox(image, { readOnly: true }), "--remount-ro", "/", ...user];
  const server = spawn("bwrap", [...inside, ...image.command], { stdio: "inherit" });
  const exited = once(server, "exit");
  try {
    for (let tries = 50; spawnSync("bwrap", [...inside, ...image.probe]).status !== 0; tries -= 1) {
      if (tries === 0 || server.exitCode !== null)
        throw new Error("the health check keeps failing");
      await sleep(200);
    }
    // A program that has ended is noticed only here, where the loop lets its exit in.
    await sleep(200);
    if (server.exitCode !== null) throw new Error("the program ended");
    console.log(`health check passed as uid ${uid} on a read-only root`);
  } finally {
    server.kill("SIGTERM");
    await exited;
  }
}

/** Nothing else answers the health check there. */
async function freePort(): Promise<number> {
  await using server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
