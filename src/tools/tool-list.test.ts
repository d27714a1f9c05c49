import { describe, expect, it } from "vitest";
import { principalOf } from "../../test/support/tasks/fixtures.ts";
import { viewCapabilities } from "../capabilities/capability-views.ts";
import { capabilities } from "../capabilities/registry.ts";
import type { Principal } from "../contract/principal.ts";
import { buildPolicy } from "../policy/build-policy.ts";
import { ToolList } from "./tool-list.ts";

const KEY = principalOf("chat", "plan", "execute", "read");

/** With every action enabled, on desktops of these names. */
function list(...names: string[]) {
  const enabled = [...capabilities.keys()].map((action) => [action, { enabled: true }]);
  const policy = buildPolicy(
    {
      capabilities: {
        ...Object.fromEntries(enabled),
        "fs.read": { enabled: true, allowed_paths: ["/tmp"] },
      },
    },
    { actions: [...capabilities.keys()], protectedHosts: [] },
  );
  const desktops = names.map((name) => ({
    name,
    availability: (action: string) =>
      action === "shell.run"
        ? ({ available: false, reason: "none", hint: "none" } as const)
        : ({ available: true } as const),
  }));
  return new ToolList({
    registry: capabilities,
    capabilities: (principal: Principal | undefined) =>
      viewCapabilities(capabilities, policy, desktops, principal),
  });
}

describe("ToolList", () => {
  it("has what a desktop performs and the key may use", () => {
    const names = list("main")
      .of(KEY)
      .map(({ name }) => name);
    expect(names).toContain("fs_read");
    expect(names).not.toContain("shell_run");
    expect(names.slice(-2)).toEqual(["run_plan", "task_status"]);
    const few = list("main").of({ ...KEY, capabilities: new Set(["wait"]) });
    expect(few.map(({ name }) => name)).toEqual(["wait", "run_plan", "task_status"]);
    expect(
      list()
        .of(KEY)
        .map(({ name }) => name),
    ).toEqual(["task_status"]);
  });

  it("I11 has nothing that confirms", () => {
    for (const { name } of list("main").of(KEY)) {
      expect(name).not.toMatch(/confirm|approve|reject|resume/);
    }
  });

  it("says of each to its key who must confirm and within which limits, in what models take", () => {
    const tools = new Map(
      list("main")
        .of(KEY)
        .map((tool) => [tool.name, tool]),
    );
    expect(tools.get("fs_read")?.description).toMatch(/Allowed below \/tmp\..*Runs at once\.$/);
    expect(tools.get("fs_write")?.description).toContain("A person must approve it first");
    for (const { name, description } of tools.values()) {
      expect(description.length, name).toBeLessThanOrEqual(1024);
    }
    const stranger = list("main")
      .of(undefined)
      .find(({ name }) => name === "fs_read");
    expect(stranger?.description).toContain("may have to approve");
    expect(stranger?.description).not.toContain("/tmp");
  });

  it("has a note on every action", () => {
    expect([...capabilities.values()].filter(({ note }) => !/^[A-Z].*\.$/s.test(note))).toEqual([]);
  });

  it("asks for the desktop only where there is a choice", () => {
    const parameters = (...names: string[]) =>
      list(...names)
        .of(KEY)
        .find(({ name }) => name === "wait")?.parameters.properties ?? {};
    expect(Object.keys(parameters("main"))).toEqual(["duration_ms"]);
    expect(parameters("main", "second").desktop).toMatchObject({ enum: ["main", "second"] });
    const wait = list("main", "second").find("wait");
    expect(wait?.plan?.({ duration_ms: 5, desktop: "second", more: 1 })).toEqual({
      action: "wait",
      parameters: { duration_ms: 5 },
      desktop: "second",
    });
  });

  it("run_plan takes names of tools and of actions", () => {
    const plan = list("main").find("run_plan")?.plan;
    expect(
      plan?.({ steps: [{ action: "fs_list", parameters: { path: "/" } }, { action: "wait" }] }),
    ).toEqual({
      steps: [{ action: "fs.list", parameters: { path: "/" } }, { action: "wait" }],
    });
    expect(() => plan?.({ steps: "all" })).toThrowError(/run_plan/);
  });
});
