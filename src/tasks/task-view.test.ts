import { describe, expect, it } from "vitest";
import { DEFAULT_POLICY } from "../capabilities/default-policy.ts";
import { capabilities } from "../capabilities/registry.ts";
import type { Principal, Scope } from "../contract/principal.ts";
import type { TaskStatus } from "../contract/task.ts";
import { buildPolicy } from "../policy/build-policy.ts";
import { freezePlan } from "./stored-plan.ts";
import type { Plan, Task } from "./task.ts";
import { TaskViews } from "./task-view.ts";

const SECRET = "correct horse battery staple";

function principal(...scopes: Scope[]): Principal {
  return {
    keyId: "key",
    scheme: "hmac",
    scopes: new Set(scopes),
    capabilities: null,
    desktops: null,
    trustedApprovalSurface: false,
  };
}

function typing(status: TaskStatus): Task {
  const parameters = { text: SECRET, sensitive: true };
  const plan: Plan = {
    task_id: "task_AAAAAAAAAAAAAAAAAAAAAA",
    requester: "key",
    desktop: "main",
    steps: [{ action: "keyboard.type", parameters, risk: "medium", bound: {} }],
    risk: "medium",
    mode: "approver",
    approvals: 1,
    expires_at: "2030-01-01T00:00:00.000Z",
    salt: "never shown",
  };
  const capability = capabilities.get("keyboard.type");
  const preview = capability?.preview(parameters);
  return {
    seq: 1,
    revision: 0,
    id: plan.task_id,
    requester: "key",
    created_at: "2029-01-01T00:00:00.000Z",
    plan: freezePlan(plan),
    digest: `sha256:${"0".repeat(64)}`,
    notes: {
      summary: capability?.summary(parameters) ?? "",
      defaults: [],
      steps: [
        {
          summary: capability?.summary(parameters) ?? "",
          reasons: [],
          privateReasons: ["only approvers see this"],
          ...(preview !== undefined && { preview }),
          openPreview: true,
        },
      ],
    },
    state: { status, executed: false, approvals: [], progress: 0, result: null, error: null },
  };
}

const views = new TaskViews({
  capabilities,
  publicUrl: () => "http://localhost:8089",
  policy: () => {
    const actions = [...capabilities.keys()];
    return buildPolicy(DEFAULT_POLICY, { actions, protectedHosts: [] });
  },
});

describe("TaskViews", () => {
  it("I7 show sensitive text to the approver while it is to be decided", () => {
    for (const status of ["planned", "awaiting_confirmation"] as const) {
      const shown = JSON.stringify(views.task(typing(status), principal("confirm", "read"), []));
      expect(shown).toContain(SECRET);
    }
  });

  it("I7 mask it for the requester, and for everyone once it is decided", () => {
    const requester = principal("plan", "execute", "read");
    for (const status of ["planned", "awaiting_confirmation", "running", "completed"] as const) {
      const shown = JSON.stringify(views.task(typing(status), requester, []));
      expect(shown).not.toContain(SECRET);
      expect(shown).not.toContain(String(SECRET.length));
    }
    for (const status of ["ready", "running", "completed", "rejected"] as const) {
      const shown = JSON.stringify(views.task(typing(status), principal("confirm", "read"), []));
      expect(shown).not.toContain(SECRET);
    }
  });

  it("I12 keep the salt to themselves, and what planning saw to approvers", () => {
    const requester = JSON.stringify(views.plan(typing("planned"), principal("plan")));
    const approver = JSON.stringify(views.plan(typing("planned"), principal("confirm")));
    expect(requester).not.toContain("only approvers see this");
    expect(approver).toContain("only approvers see this");
    expect(requester + approver).not.toContain("never shown");
  });
});
