import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { VARIABLE_NAMES } from "../src/config/variables.ts";

/** The unit in deploy/, read, and checked by systemd's own program where there is one. */
const root = dirname(import.meta.dirname);
const file = join(root, "deploy/bytebot-gateway.service");
const settings = readFileSync(file, "utf8")
  .split("\n")
  .flatMap((line) => {
    const [, name = "", value = ""] = /^(\w+)=(.*)$/.exec(line) ?? [];
    return name === "" ? [] : [{ name, value }];
  });
const of = (name: string) =>
  settings.filter((setting) => setting.name === name).map(({ value }) => value);

/** Each keeps bubblewrap from making its namespaces, or from mounting a /proc in them. */
const SANDBOX_BREAKERS = [
  "RestrictNamespaces",
  "PrivateUsers",
  "ProtectProc",
  "ProcSubset",
  "ProtectKernelTunables",
  "ProtectKernelLogs",
  "ProtectHostname",
];

describe("the systemd unit", () => {
  test("starts what the package installs, as a user of its own", () => {
    expect(of("ExecStart")).toEqual([
      "/usr/bin/node /opt/bytebot-gateway/node_modules/bytebot-gateway/dist/cli.js serve",
    ]);
    expect(of("User")).toEqual(["bytebot-gateway"]);
    const { name, bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    expect(of("ExecStart")[0]).toContain(`/node_modules/${name}/${bin[name]} `);
  });

  test("sets variables that the gateway reads, and no secret", () => {
    const names = of("Environment").map((assignment) => assignment.split("=")[0] ?? "");
    expect(names.filter((name) => !["NODE_ENV", ...VARIABLE_NAMES].includes(name))).toEqual([]);
    expect(names.filter((name) => /SECRET|TOKEN|KEY/.test(name))).toEqual([]);
  });

  test("is hardened, and leaves room for the sandbox", () => {
    for (const name of ["NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome"]) {
      expect(of(name), name).toEqual(["true"]);
    }
    expect(of("ProtectSystem")).toEqual(["strict"]);
    expect(of("CapabilityBoundingSet")).toEqual([""]);
    expect(of("SystemCallFilter")).toEqual(["@system-service @mount seccomp sethostname"]);
    expect(settings.filter(({ name }) => SANDBOX_BREAKERS.includes(name))).toEqual([]);
    // Node compiles while it runs.
    expect(of("MemoryDenyWriteExecute")).toEqual([]);
  });

  test.runIf(spawnSync("systemd-analyze", ["--version"]).status === 0)(
    "systemd finds nothing wrong with it (needs systemd-analyze)",
    () => {
      const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", file], {
        encoding: "utf8",
      });
      // It looks for the programs of this machine too, where Node may be elsewhere.
      const faults = `${stdout}${stderr}`
        .split("\n")
        .filter((line) => !/^$|\/usr\/bin\/node/.test(line));
      expect(faults).toEqual([]);
      expect([0, 1]).toContain(status);
    },
  );
});
