import type { RiskLevel } from "../../src/contract/policy.ts";
import type { RequestedBy, TaskStatus } from "../../src/contract/task.ts";
import { Inert } from "./inert.tsx";

export function RiskBadge({ risk }: { risk: RiskLevel }) {
  return <span className={`risk ${risk}`}>{risk} risk</span>;
}

const STATUS_WORDS: Readonly<Record<TaskStatus, string>> = {
  planned: "planned",
  awaiting_confirmation: "waits for a decision",
  ready: "approved",
  queued: "queued",
  running: "running",
  completed: "done",
  failed: "failed",
  cancelled: "cancelled",
  interrupted: "interrupted",
  rejected: "rejected",
  expired: "expired",
};

export function StatusBadge({ status }: { status: TaskStatus }) {
  return <span className={`status ${status}`}>{STATUS_WORDS[status]}</span>;
}

/** Who asks: the key, and for whom it says that it works. */
export function Requester({ keyId, by }: { keyId: string; by?: RequestedBy | undefined }) {
  const name = by?.name ?? by?.email ?? by?.id;
  return (
    <span className="requester">
      <Inert text={keyId} />
      {name !== undefined && (
        <>
          {" for "}
          <Inert text={name} />
          {by?.verified ? "" : " (as it claims)"}
        </>
      )}
    </span>
  );
}

/** `person:anna` → anna; a key is named as such. */
export function Who({ keyId }: { keyId: string }) {
  if (keyId.startsWith("person:")) return <Inert text={keyId.slice("person:".length)} />;
  return (
    <>
      key <Inert text={keyId} />
    </>
  );
}
