import type { AuditStore } from "../audit/audit-store.ts";
import type { Policy } from "../contract/policy.ts";
import { VERSION } from "../lib/version.ts";
import type { SettingStore } from "../tasks/task-store.ts";

/** In the audit log: this service starts, with this policy. */
export function recordStart(audit: AuditStore, policy: Policy, driver: string): Promise<void> {
  return audit.append([
    {
      type: "gateway.started",
      key_id: null,
      time: new Date().toISOString(),
      details: { version: VERSION, driver, policy_digest: policy.digest },
    },
  ]);
}

/** In the audit log, and to whoever follows events: another policy holds. */
export function recordReload(settings: SettingStore, policy: Policy): Promise<void> {
  const timestamp = new Date().toISOString();
  return settings.set("policy_digest", policy.digest, {
    events: [{ event: "policy_reloaded", task_id: null, owner: null, timestamp, data: {} }],
    audit: [
      {
        type: "policy.reloaded",
        key_id: null,
        time: timestamp,
        details: { policy_digest: policy.digest },
      },
    ],
  });
}
