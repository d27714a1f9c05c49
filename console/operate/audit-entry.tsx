import { useState } from "react";
import { Link } from "wouter";
import type { AuditRecord } from "../../src/contract/audit.ts";
import { Who } from "../parts/facts.tsx";
import { Inert } from "../parts/inert.tsx";
import { Moment } from "../parts/time.tsx";
import { addressOf } from "./audit-query.ts";
import { briefOf } from "./brief.ts";
import { TextPane } from "./text-pane.tsx";

/** A record: a line, and all of it once it is opened. */
export function AuditEntry({ record }: { record: AuditRecord }) {
  const [open, setOpen] = useState(false);
  return (
    <details className="record" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span className="record-time">
          <Moment at={record.time} />
        </span>
        <code className="record-type">
          <Inert text={record.type} />
        </code>
        <span className="record-who">
          <Actor keyId={record.key_id} />
        </span>
        <span className="record-brief">
          <Inert text={briefOf(record.details)} />
        </span>
      </summary>
      {/* Thousands of records may stand here: what is not looked at is not made. */}
      {open && <Whole record={record} />}
    </details>
  );
}

function Actor({ keyId }: { keyId: string | null }) {
  return keyId === null ? "the gateway" : <Who keyId={keyId} />;
}

function Whole({ record }: { record: AuditRecord }) {
  const { seq, time, type, key_id: keyId, task_id: taskId, details, prev, mac } = record;
  const text = JSON.stringify(details ?? {}, null, 2);
  const only = (filters: Parameters<typeof addressOf>[0]) =>
    `/console/operate/audit${addressOf(filters)}`;
  return (
    <div className="record-whole">
      <dl className="facts">
        <dt>Number</dt>
        <dd>{seq}</dd>
        <dt>Time</dt>
        <dd>
          <code>{time}</code>
        </dd>
        {taskId !== undefined && (
          <>
            <dt>Task</dt>
            <dd>
              <Link href={`/console/tasks/${taskId}`}>
                <code>{taskId}</code>
              </Link>
            </dd>
          </>
        )}
        <dt>Sealed</dt>
        <dd>
          <code className="digest">{mac}</code>
        </dd>
        <dt>After</dt>
        <dd>
          <code className="digest">
            <Inert text={prev} />
          </code>
        </dd>
      </dl>
      <TextPane text={text} name={`Details of number ${seq}`} />
      <p className="buttons">
        {taskId !== undefined && <Link href={only({ task_id: taskId })}>All of this task</Link>}
        <Link href={only({ key_id: keyId ?? "-" })}>
          All by <Actor keyId={keyId} />
        </Link>
        <Link href={only({ type })}>
          All <Inert text={type} />
        </Link>
      </p>
    </div>
  );
}
