/** Tasks and records for the tests of stores. */
import { randomBytes } from "node:crypto";
import type { AuditDraft } from "../../../src/contract/audit.ts";
import type { EventDraft, EventName } from "../../../src/contract/event.ts";
import type { EventStore } from "../../../src/events/event-store.ts";
import type { Grant } from "../../../src/tasks/grants/grant.ts";
import type { NewTask, Records } from "../../../src/tasks/task-store.ts";

export function newTask(fields: Partial<NewTask> = {}): NewTask {
  return {
    id: `task_${randomBytes(16).toString("base64url")}`,
    requester: "default",
    created_at: at(0),
    expires_at: at(900),
    canonicalPlan: '{"title":"naïve \u{1f600} \\u0000"}',
    digest: `sha256:${"0".repeat(64)}`,
    notes: JSON.stringify({
      defaults: [],
      summary: "Read contents of /tmp/test.txt",
      steps: [
        { summary: "Read", reasons: ["fs.read is low"], privateReasons: [], openPreview: true },
      ],
    }),
    state: {
      status: "planned",
      executed: false,
      approvals: [],
      progress: 0,
      result: null,
      error: null,
    },
    ...fields,
  };
}

export function recordsOf(task: { id: string; requester: string }, event: EventName): Records {
  const draft: EventDraft = {
    event,
    task_id: task.id,
    owner: task.requester,
    timestamp: at(0),
    data: { message: "naïve \u{1f600}" },
  };
  const audit: AuditDraft = {
    type: event,
    key_id: task.requester,
    time: at(0),
    task_id: task.id,
    details: { digest: "sha256:0", empty: "", nested: { list: [1, 1.5, null] } },
  };
  return { events: [draft], audit: [audit] };
}

/** ISO 8601, `seconds` into a fixed day. */
export function at(seconds: number): string {
  return new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();
}

/** How many events there are, read page by page. */
export async function countEvents(events: EventStore): Promise<number> {
  let count = 0;
  for (let after = 0; ; ) {
    const page = await events.read(after, 10_000, {});
    const last = page.at(-1);
    if (last === undefined) return count;
    after = last.id;
    count += page.length;
  }
}

export function grantOf(letter: string): Grant {
  return {
    id: `grant_${letter.repeat(22)}`,
    key_id: "default",
    desktop: "main",
    action: "fs.write",
    scope: { path_prefix: "/tmp" },
    risk: "medium",
    granted_by: "boss",
    on_task: `task_${letter.repeat(22)}`,
    created_at: at(0),
    expires_at: at(600),
    used: 0,
  };
}
