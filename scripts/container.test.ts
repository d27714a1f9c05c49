import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { MEMORY_VARIABLES, NODE_OPTIONS } from "../src/cli/launch.ts";
import { VARIABLE_NAMES } from "../src/config/variables.ts";

/**
 * The container files, read: no container engine is needed. `scripts/try-dockerfile.ts` carries out
 * the Dockerfile's steps.
 */
const root = dirname(import.meta.dirname);
const read = (name: string) => readFileSync(join(root, name), "utf8");

/** Instructions with their continuation lines joined, comments dropped. */
const instructions = read("Dockerfile")
  .replaceAll(/^#.*\n/gm, "")
  .replaceAll("\\\n", " ")
  .split("\n")
  .filter((line) => line.trim() !== "")
  .map((line) => line.replaceAll(/\s+/g, " "));
const of = (name: string) => instructions.filter((line) => line.startsWith(`${name} `));
const compose = parse(read("docker-compose.yml"), { merge: true });

describe("Dockerfile", () => {
  test("ends in a stage of its own, as an unprivileged user", () => {
    expect(of("FROM")).toHaveLength(2);
    expect(of("USER")).toEqual(["USER 10001:10001"]);
    const user = instructions.indexOf("USER 10001:10001");
    expect(instructions.slice(user).filter((line) => /^(RUN|COPY|ADD) /.test(line))).toEqual([]);
  });

  test("base images are pinned to a major version of Node that the project supports", () => {
    const [, major] = /NODE_IMAGE=node:(\d+)-/.exec(of("ARG")[0] ?? "") ?? [];
    const { engines } = JSON.parse(read("package.json"));
    expect(engines.node).toBe(`>=${major}`);
  });

  test("copies only what is there, and what .dockerignore lets through", () => {
    const allowed = read(".dockerignore")
      .split("\n")
      .filter((line) => line.startsWith("!"))
      .map((line) => line.slice(1));
    const sources = of("COPY")
      .filter((line) => !line.includes("--from="))
      .flatMap((line) => line.split(" ").slice(1, -1));
    expect(sources.length).toBeGreaterThan(5);
    expect(sources.filter((name) => !existsSync(join(root, name)))).toEqual([]);
    expect(sources.filter((name) => !allowed.includes(name))).toEqual([]);
    expect(read(".dockerignore").split("\n")).toContain("*");
  });

  test("I7 holds no secret", () => {
    expect(instructions.filter((line) => /SECRET|TOKEN|_KEY/.test(line))).toEqual([]);
  });

  test("starts Node as start.sh does", () => {
    const [command = ""] = of("CMD");
    const words: string[] = JSON.parse(command.slice("CMD ".length));
    expect(words).toEqual(["node", ...NODE_OPTIONS, "dist/main.js"]);
    const variables = of("ENV").join(" ");
    for (const [name, value] of Object.entries(MEMORY_VARIABLES)) {
      expect(variables).toContain(`${name}=${value} `);
    }
  });

  test("starts and probes without a shell, so that signals reach the gateway", () => {
    const [start] = of("CMD");
    expect(JSON.parse(start?.slice("CMD ".length) ?? "")).toContain("dist/main.js");
    const [probe] = of("HEALTHCHECK");
    const command: string[] = JSON.parse(probe?.replace(/^.* CMD /, "") ?? "");
    expect(command.slice(0, 2)).toEqual(["node", "-e"]);
    expect(() => new Function(command[2] ?? "")).not.toThrow();
  });
});

describe("docker-compose.yml", () => {
  test.each(["gateway", "secrets"])("%s is hardened", (name) => {
    const service = compose.services[name];
    expect(service.user).toBe("10001:10001");
    expect(service.read_only).toBe(true);
    expect(service.cap_drop).toEqual(["ALL"]);
    expect(service.security_opt).toContain("no-new-privileges:true");
    expect(service.privileged ?? service.cap_add ?? service.devices).toBeUndefined();
  });

  test("publishes on loopback alone", () => {
    expect(compose.services.gateway.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)]);
    expect(compose.services.secrets.ports).toBeUndefined();
  });

  test("limits memory, processors and processes", () => {
    const { deploy, pids_limit } = compose.services.gateway;
    expect(deploy.resources.limits).toEqual({ cpus: "2", memory: "512M" });
    expect(pids_limit).toBeGreaterThan(0);
  });

  test("every variable is one the gateway reads", () => {
    const names = Object.keys(compose.services.gateway.environment);
    expect(names.filter((name) => !VARIABLE_NAMES.includes(name))).toEqual([]);
  });

  test("every volume is declared, and every place of the image's is on one", () => {
    const mounts: string[] = compose.services.gateway.volumes;
    const named = mounts
      .map((mount) => mount.split(":")[0] ?? "")
      .filter((name) => /^\w/.test(name));
    expect(Object.keys(compose.volumes).sort()).toEqual([...named].sort());
    const places = mounts.map((mount) => mount.split(":")[1]);
    for (const place of ["/work", "/data"]) expect(places).toContain(place);
    const files = mounts.filter((mount) => mount.startsWith("./"));
    for (const file of files) expect(existsSync(join(root, file.split(":")[0] ?? ""))).toBe(true);
  });

  test("secrets come as files, made before the gateway starts", () => {
    const { environment, depends_on, volumes } = compose.services.gateway;
    const files = Object.keys(environment).filter((name) => name.endsWith("_FILE"));
    expect(files.sort()).toEqual([
      "API_TOKEN_FILE",
      "APPROVER_SECRET_FILE",
      "AUDIT_KEY_FILE",
      "SHARED_SECRET_FILE",
    ]);
    const made = compose.services.secrets.entrypoint.at(-1);
    for (const name of files) expect(made).toContain(environment[name].replace("/secrets/", ""));
    expect(depends_on.secrets.condition).toBe("service_completed_successfully");
    expect(volumes).toContain("secrets:/secrets:ro");
  });

  test("what makes the secrets makes each once", () => {
    const directory = mkdtempSync(join(tmpdir(), "secrets-"));
    const [shell, options, script]: string[] = compose.services.secrets.entrypoint;
    const command = script?.replaceAll("$$", "$").replaceAll("/secrets", directory) ?? "";
    const made = () => {
      execFileSync(shell ?? "", [options ?? "", command]);
      return readdirSync(directory).map((name) => readFileSync(join(directory, name), "utf8"));
    };
    try {
      const secrets = made();
      expect(secrets).toHaveLength(4);
      expect(new Set(secrets).size).toBe(4);
      for (const secret of secrets) expect(secret).toMatch(/^[\w+/]{43}=\n$/);
      expect(made()).toEqual(secrets);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("its health check is the image's", () => {
    const [, ...command] = compose.services.gateway.healthcheck.test;
    const [probe] = of("HEALTHCHECK");
    const image: string[] = JSON.parse(probe?.replace(/^.* CMD /, "") ?? "");
    expect(command.map((word: string) => word.replaceAll("$$", "$"))).toEqual(image);
  });
});
