import type { DesktopView } from "../../src/contract/desktop.ts";
import { Inert } from "../parts/inert.tsx";
import { TimeLeft } from "../parts/time.tsx";

interface Props {
  readonly desktop: DesktopView;
  /** The id of whoever looks. */
  readonly me: string | undefined;
}

/** Whether a desktop works, and who is at it. */
export function DesktopState({ desktop: { available, lease, busy_with: task }, me }: Props) {
  return (
    <p className="desktop-state">
      <span className={available ? "badge good" : "badge bad"}>
        {available ? "ready" : "not available"}
      </span>
      {lease !== undefined && (
        <span className="badge held">
          {lease.person_id === me ? "yours" : <Inert text={lease.name} />} ·{" "}
          <TimeLeft until={Date.parse(lease.until)} />
        </span>
      )}
      {lease === undefined && (
        <span className={task === undefined ? "badge" : "badge busy"}>
          {task === undefined ? "free" : "a task runs"}
        </span>
      )}
    </p>
  );
}
