import { type FormEvent, useState } from "react";
import { type Filters, NO_FILTERS } from "./audit-query.ts";

/** Families first; `*` stands for all of one. */
const TYPES: readonly (readonly [string, readonly string[]])[] = [
  [
    "Tasks",
    [
      "task.*",
      "task.planned",
      "task.confirmed",
      "task.rejected",
      "task.completed",
      "task.failed",
      "task.cancelled",
      "task.expired",
      "task.interrupted",
    ],
  ],
  ["Steps", ["step.*", "step.started", "step.finished"]],
  ["Agents", ["agent.*", "agent.denied"]],
  ["Grants", ["grant.*", "grant.created", "grant.ended"]],
  ["Keys", ["key.*", "key.created", "key.rotated", "key.revoked", "key.expired"]],
  ["People", ["person.*", "session.*", "passkey.*", "password.*", "link.*"]],
  ["Gateway", ["gateway.*", "gateway.started", "gateway.stopped", "policy.*", "desktop.*"]],
];

/** What is searched for. It takes effect when it is sent, not with every letter. */
export function AuditFilters({
  filters,
  onSearch,
}: {
  filters: Filters;
  onSearch: (filters: Filters) => void;
}) {
  const [draft, setDraft] = useState(filters);
  const more = filters.key_id + filters.task_id + filters.from + filters.to !== "";
  const set = (name: keyof Filters) => (event: { target: { value: string } }) =>
    setDraft((before) => ({ ...before, [name]: event.target.value }));
  const send = (event: FormEvent) => {
    event.preventDefault();
    onSearch(draft);
  };
  const isKnown = TYPES.some(([, types]) => types.includes(draft.type));
  return (
    <search>
      <form className="form filters" onSubmit={send}>
        <div className="field-row">
          <label className="field grow">
            <span>Contains</span>
            <input type="search" maxLength={200} value={draft.text} onChange={set("text")} />
          </label>
          <label className="field">
            <span>Kind</span>
            <select value={draft.type} onChange={set("type")}>
              <option value="">all</option>
              {!isKnown && draft.type !== "" && <option>{draft.type}</option>}
              {TYPES.map(([family, types]) => (
                <optgroup key={family} label={family}>
                  {types.map((type) => (
                    <option key={type} value={type}>
                      {type.endsWith(".*") ? `all ${type}` : type}
                    </option>
                  ))}
                </optgroup>
              ))}
            </select>
          </label>
        </div>
        <details open={more}>
          <summary>By whom, of which task, when</summary>
          <div className="field-row">
            <label className="field">
              <span>Key or person</span>
              <input
                maxLength={64}
                spellCheck={false}
                autoCapitalize="none"
                placeholder="approver, person:anna, -"
                value={draft.key_id}
                onChange={set("key_id")}
              />
            </label>
            <label className="field grow">
              <span>Task</span>
              <input
                maxLength={64}
                spellCheck={false}
                autoCapitalize="none"
                placeholder="task_…"
                value={draft.task_id}
                onChange={set("task_id")}
              />
            </label>
          </div>
          <div className="field-row">
            <label className="field">
              <span>From</span>
              <input type="datetime-local" value={draft.from} onChange={set("from")} />
            </label>
            <label className="field">
              <span>Before</span>
              <input type="datetime-local" value={draft.to} onChange={set("to")} />
            </label>
          </div>
        </details>
        <div className="buttons">
          <button type="submit" className="button primary">
            Search
          </button>
          <button type="button" className="button" onClick={() => onSearch(NO_FILTERS)}>
            Show all
          </button>
        </div>
      </form>
    </search>
  );
}
