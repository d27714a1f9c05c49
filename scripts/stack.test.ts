import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { BlockList } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { loadConfig } from "../src/config/load-config.ts";
import { VARIABLE_NAMES } from "../src/config/variables.ts";

/** docker-compose.bytebot.yml laid over docker-compose.yml, read: no container engine is needed. */
const root = dirname(import.meta.dirname);
const read = (name: string) => parse(readFileSync(join(root, name), "utf8"), { merge: true });
const base = read("docker-compose.yml");
const stack = read("docker-compose.bytebot.yml");
const names = Object.keys(stack.services);
const foreign = names.filter((name) => name !== "gateway");
const environment: Record<string, string> = {
  ...base.services.gateway.environment,
  ...stack.services.gateway.environment,
};

/** Networks of a service: a list, or a map to what is said of each. */
const networksOf = (name: string): string[] => {
  const { networks } = stack.services[name];
  return Array.isArray(networks) ? networks : Object.keys(networks);
};
const membersOf = (network: string) => names.filter((name) => networksOf(name).includes(network));
/** Who can open a connection to a service. */
const peersOf = (name: string) =>
  names.filter(
    (other) => other !== name && networksOf(other).some((n) => networksOf(name).includes(n)),
  );

describe("docker-compose.bytebot.yml", () => {
  test("the gateway is the only way to ByteBot", () => {
    expect(Object.fromEntries(names.map((name) => [name, peersOf(name)]))).toEqual({
      gateway: ["bytebot-desktop", "bytebot-agent", "openwebui"],
      "bytebot-desktop": ["gateway"],
      "bytebot-agent": ["gateway", "bytebot-db"],
      "bytebot-db": ["bytebot-agent"],
      openwebui: ["gateway"],
    });
    for (const name of foreign) expect(stack.services[name].network_mode, name).toBeUndefined();
  });

  test("no port of ByteBot's is published, and the others on loopback alone", () => {
    const published = foreign.filter((name) => stack.services[name].ports !== undefined);
    expect(published).toEqual(["openwebui"]);
    expect(stack.services.openwebui.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)]);
    // What is said here would be added to what the other file publishes.
    expect(stack.services.gateway.ports).toBeUndefined();
  });

  test("what leads outside leads there for one service alone", () => {
    const open = Object.keys(stack.networks).filter((name) => !stack.networks[name]?.internal);
    expect(Object.fromEntries(open.map((name) => [name, membersOf(name)]))).toEqual({
      front: ["gateway", "openwebui"],
      "agent-out": ["bytebot-agent"],
      "desktop-out": ["bytebot-desktop"],
    });
    expect(new Set(names.flatMap(networksOf))).toEqual(new Set(Object.keys(stack.networks)));
  });

  test("API and guard listen on one network each, on an address nobody else is given", () => {
    const places = { HOST: "front", GUARD_HOST: "agent" };
    for (const [variable, network] of Object.entries(places)) {
      const { ipv4_address } = stack.services.gateway.networks[network];
      expect(environment[variable]).toBe(ipv4_address);
      const [{ subnet, ip_range }] = stack.networks[network].ipam.config;
      expect(contains(subnet, ipv4_address)).toBe(true);
      expect(contains(ip_range, ipv4_address)).toBe(false);
      expect(contains(subnet, ip_range.split("/")[0])).toBe(true);
    }
  });

  test("the gateway reads it, and the agent is pointed at the guard of that desktop", () => {
    expect(Object.keys(environment).filter((name) => !VARIABLE_NAMES.includes(name))).toEqual([]);
    const given = { GUARD_KEY: randomBytes(32).toString("hex") };
    const filledIn = Object.entries(environment).map(([name, value]) =>
      // A file of the volume `secrets`.
      name.endsWith("_FILE")
        ? [name.replace("_FILE", ""), randomBytes(32).toString("base64")]
        : [name, interpolate(value, given)],
    );
    const directory = mkdtempSync(join(tmpdir(), "stack-"));
    try {
      const { config, secrets } = loadConfig(Object.fromEntries(filledIn), directory);
      expect(config).toMatchObject({
        driver: "bytebot",
        publicUrl: "http://localhost:8089",
        allowedHosts: ["gateway", config.host],
        bytebot: [{ url: "http://bytebot-desktop:9990", agentUrl: "http://bytebot-agent:9991" }],
      });
      const { BYTEBOT_DESKTOP_BASE_URL } = stack.services["bytebot-agent"].environment;
      expect(interpolate(BYTEBOT_DESKTOP_BASE_URL, given)).toBe(
        `http://gateway:${config.guard.port}/${secrets.guardKey}/${config.bytebot[0]?.name}`,
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("what must be given is asked for", () => {
    expect(() => interpolate(environment.GUARD_KEY ?? "", {})).toThrow("GUARD_KEY");
    const { POSTGRES_PASSWORD } = stack.services["bytebot-db"].environment;
    expect(() => interpolate(POSTGRES_PASSWORD, {})).toThrow("BYTEBOT_DB_PASSWORD");
  });

  test("I7 holds no secret, and none has a default", () => {
    const values = foreign
      .concat("gateway")
      .flatMap((name) => Object.entries<string>(stack.services[name].environment ?? {}))
      .filter(([name]) => /KEY|PASSWORD|SECRET|TOKEN|_URL$/.test(name));
    expect(values.length).toBeGreaterThan(6);
    for (const [name, value] of values) {
      const rest = value.replaceAll(/\$\{\w+(:\?[^}]+|:-)\}/g, "");
      expect(rest, name).toMatch(/^$|^none$|^(http|postgresql):\/\/[a-z:@/0-9-]*$/);
    }
    expect(readFileSync(join(root, ".gitignore"), "utf8").split("\n")).toContain("bytebot.env");
  });

  test.each(foreign)("%s is watched, bounded and not privileged", (name) => {
    const { restart, healthcheck, deploy, pids_limit, logging, privileged, cap_add } =
      stack.services[name];
    expect(restart).toBe("unless-stopped");
    expect(healthcheck.test[0]).toBe("CMD");
    expect(Object.keys(deploy.resources.limits)).toEqual(["cpus", "memory"]);
    expect(pids_limit).toBeGreaterThan(0);
    expect(logging.options["max-size"]).toBeDefined();
    expect(privileged ?? false).toBe(false);
    expect(cap_add).toBeUndefined();
  });

  test("only Open WebUI waits to be asked for", () => {
    expect(names.filter((name) => stack.services[name].profiles)).toEqual(["openwebui"]);
  });

  test("what is to be kept lies on declared volumes, and nothing of this machine's is mounted", () => {
    const mounts = foreign.flatMap((name) => stack.services[name].volumes ?? []);
    const places = mounts.map((mount: string) => mount.split(":")[0]);
    expect(places.sort()).toEqual(Object.keys(stack.volumes).sort());
  });
});

/** As Compose does it, from the inside out. */
function interpolate(value: string, given: Readonly<Record<string, string>>): string {
  const filledIn = value.replaceAll(
    /\$\{(\w+)(?::([-?])([^{}]*))?\}/g,
    (_, name: string, kind?: string, rest = "") => {
      if (!given[name] && kind === "?") throw new Error(`${name}: ${rest}`);
      return given[name] || rest;
    },
  );
  return filledIn === value ? value : interpolate(filledIn, given);
}

function contains(range: string, address: string): boolean {
  const [network = "", bits] = range.split("/");
  const list = new BlockList();
  list.addSubnet(network, Number(bits));
  return list.check(address);
}
