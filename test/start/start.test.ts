import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { parseEnv } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/**
 * start.sh on a copy of the project under a path with spaces. `npm ci` is stood in for by a script
 * that links the packages that are here and notes that it ran, so that no registry is needed.
 */
const root = dirname(dirname(import.meta.dirname));
const parent = mkdtempSync(join(tmpdir(), "start test "));
const project = join(parent, "a 'clone'");
const calls = join(parent, "npm-calls");
const running = new Set<ChildProcess>();

beforeAll(() => {
  chmodSync(parent, 0o755);
  mkdirSync(project);
  for (const name of ["src", "console", "scripts", "config"]) {
    cpSync(join(root, name), join(project, name), { recursive: true });
  }
  for (const name of ["package.json", "package-lock.json", "tsconfig.json", "start.sh"]) {
    cpSync(join(root, name), join(project, name));
  }
  mkdirSync(join(parent, "bin"));
  writeFileSync(
    join(parent, "bin/npm"),
    `#!/bin/sh
echo "$*" >> '${calls}'
rm -rf node_modules && mkdir node_modules
for each in '${root}'/node_modules/* '${root}/node_modules/.bin'; do ln -s "$each" node_modules/; done
`,
    { mode: 0o755 },
  );
});

afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(parent, { recursive: true, force: true });
});

interface Started {
  readonly child: ChildProcess;
  readonly url: string;
  /** Everything that was printed, on either stream. */
  output(): string;
  stop(): Promise<number | null>;
}

/** Runs start.sh until the server listens. */
async function start(
  env: Readonly<Record<string, string>> = {},
  command: readonly string[] = [],
): Promise<Started> {
  const [program = "", ...options] = [...command, join(project, "start.sh")];
  const child = spawn(program, options, {
    cwd: tmpdir(),
    env: { ...environment(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let output = "";
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  const exited: Promise<[number | null]> = once(child, "exit") as Promise<[number | null]>;
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on("line", (line) => {
      output += `${line}\n`;
      const record = line.startsWith("{") ? JSON.parse(line) : {};
      if (record.msg === "listening") resolve(record.url);
    });
    exited.then(([code]) => reject(new Error(`start.sh ended with ${code}:\n${output}`)));
  });
  const stop = async () => {
    child.kill("SIGTERM");
    const [code] = await exited;
    running.delete(child);
    return code;
  };
  return { child, url, output: () => output, stop };
}

function environment(): Record<string, string> {
  return {
    PATH: `${join(parent, "bin")}:${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
    HOME: parent,
    PORT: "0",
    WORKDIR: join(parent, "the work"),
  };
}

const installs = () => (existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : []);
const secretsOf = (text: string) =>
  Object.entries(parseEnv(text))
    .filter(([name]) => !name.endsWith("_FILE"))
    .map(([, value]) => value ?? "");

describe("start.sh", () => {
  test("the first start installs, builds, makes secrets, and is the server itself", async () => {
    const started = await start();
    expect(installs()).toHaveLength(1);
    expect(installs()[0]).toMatch(/^ci /);
    expect((await fetch(`${started.url}/health`)).status).toBe(200);
    expect(readFileSync(`/proc/${started.child.pid}/cmdline`, "utf8")).toContain("dist/main.js");
    for (const name of [".env", "approver.key"]) {
      expect(statSync(join(project, name)).mode & 0o777).toBe(0o600);
    }
    const output = started.output();
    expect(output).toContain("npm run -s gateway -- run fs.read path=/tmp/test.txt");
    expect(output).toContain(`'${join(parent, "the work")}/tmp/test.txt'`);
    expect(await started.stop()).toBe(0);
  });

  test("I7 it prints no secret", async () => {
    const started = await start();
    const secrets = secretsOf(readFileSync(join(project, ".env"), "utf8"));
    secrets.push(readFileSync(join(project, "approver.key"), "utf8").trim());
    expect(secrets).toHaveLength(4);
    await started.stop();
    for (const secret of secrets) expect(started.output()).not.toContain(secret);
  });

  test("the second start neither installs nor builds, and keeps the secrets", async () => {
    const before = installs().length;
    const built = statSync(join(project, "dist/main.js")).mtimeMs;
    const secrets = readFileSync(join(project, ".env"), "utf8");
    const started = await start();
    expect(await started.stop()).toBe(0);
    expect(installs()).toHaveLength(before);
    expect(statSync(join(project, "dist/main.js")).mtimeMs).toBe(built);
    expect(readFileSync(join(project, ".env"), "utf8")).toBe(secrets);
  });

  test("a changed source is built, a changed lock file installed", async () => {
    const before = installs().length;
    const stamp = readFileSync(join(project, "dist/.sources"), "utf8");
    appendFileSync(join(project, "src/version.ts"), "\n");
    await (await start()).stop();
    expect(readFileSync(join(project, "dist/.sources"), "utf8")).not.toBe(stamp);
    expect(installs()).toHaveLength(before);
    appendFileSync(join(project, "package-lock.json"), "\n");
    await (await start()).stop();
    expect(installs()).toHaveLength(before + 1);
    expect(readdirSync(project).filter((name) => name.startsWith("dist"))).toEqual(["dist"]);
  });

  test("an install that fails is said, and tried again", () => {
    const npm = join(parent, "broken");
    mkdirSync(npm);
    writeFileSync(join(npm, "npm"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    appendFileSync(join(project, "package-lock.json"), "\n");
    for (const _ of [1, 2]) {
      const { status, stderr } = spawnSync(join(project, "start.sh"), {
        env: { ...environment(), PATH: `${npm}:${environment().PATH}` },
        encoding: "utf8",
      });
      expect(status).toBe(1);
      expect(stderr).toContain("npm ci failed");
    }
    const lock = readFileSync(join(project, "package-lock.json"), "utf8");
    writeFileSync(join(project, "package-lock.json"), lock.replace(/\n\n$/, "\n"));
  });

  test.each([
    ["no Node at all", undefined, "Node.js is not installed"],
    ["a Node that is too old", "v18.0.0", "too old"],
  ])("%s is said", (_, version, message) => {
    const bin = mkdtempSync(join(parent, "bin-"));
    for (const name of ["bash", "dirname", "readlink", "cmp", "id"]) {
      symlinkSync(execFileSync("which", [name], { encoding: "utf8" }).trim(), join(bin, name));
    }
    if (version !== undefined) {
      const script = `#!/bin/sh\ncase $1 in -v) echo ${version};; *) echo ${version.slice(1, 3)};; esac\n`;
      writeFileSync(join(bin, "node"), script, { mode: 0o755 });
      writeFileSync(join(bin, "npm"), "#!/bin/sh\n", { mode: 0o755 });
    }
    const shell = join(bin, "bash");
    const { status, stderr } = spawnSync(shell, [join(project, "start.sh")], {
      env: { PATH: bin },
      encoding: "utf8",
    });
    expect(status).toBe(1);
    expect(stderr).toContain(message);
  });

  test.runIf(process.getuid?.() === 0)(
    "it runs as an ordinary user too (needs root to become one)",
    async () => {
      const ordinary = mkdtempSync(join(parent, "ordinary-"));
      execFileSync("chown", ["-R", "65534:65534", project, ordinary]);
      const setpriv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
      const env = { WORKDIR: join(ordinary, "work"), HOME: ordinary };
      const started = await start(env, setpriv);
      expect((await fetch(`${started.url}/health`)).status).toBe(200);
      expect(await started.stop()).toBe(0);
      expect(statSync(join(ordinary, "work")).uid).toBe(65534);
    },
  );
});
