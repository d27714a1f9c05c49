import { memo, useState } from "react";
import { Link } from "wouter";
import { Requester, RiskBadge } from "../parts/facts.tsx";
import { Inert } from "../parts/inert.tsx";
import { TimeLeft } from "../parts/time.tsx";
import type { Waiting } from "./waiting.ts";

/** Drawn at once; more come with a press. A thousand rows would be slow and are read by nobody. */
const STEP = 50;

interface Props {
  readonly waiting: readonly Waiting[];
  readonly selected: string | undefined;
  /** Undefined: a row leads to a page of its own. */
  readonly onSelect: ((id: string) => void) | undefined;
}

export function InboxList({ waiting, selected, onSelect }: Props) {
  const [shown, setShown] = useState(STEP);
  return (
    <>
      <ul className="inbox-list" aria-label="What waits">
        {waiting.slice(0, shown).map((entry) => (
          <li key={entry.id}>
            <Row entry={entry} isSelected={entry.id === selected} onSelect={onSelect} />
          </li>
        ))}
      </ul>
      {waiting.length > shown && (
        <button type="button" className="button more" onClick={() => setShown(shown + STEP)}>
          Show more ({waiting.length - shown} wait below)
        </button>
      )}
    </>
  );
}

const Row = memo(function Row({
  entry,
  isSelected,
  onSelect,
}: {
  entry: Waiting;
  isSelected: boolean;
  onSelect: ((id: string) => void) | undefined;
}) {
  const content = (
    <>
      <span className="row-top">
        <RiskBadge risk={entry.risk} />
        {entry.steps > 1 && <span className="quiet-text">{entry.steps} steps</span>}
        <TimeLeft until={entry.expiresAt} />
      </span>
      <span className="row-summary">
        <Inert text={entry.summary} />
      </span>
      {entry.reasons.length > 0 && (
        <span className="row-reasons">
          <Inert text={entry.reasons.join(" · ")} />
        </span>
      )}
      <span className="row-by">
        <Requester keyId={entry.requester} by={entry.requestedBy} />
        {entry.approvalsNeeded > 1 && (
          <span>
            {" · "}
            {entry.approvals.length} of {entry.approvalsNeeded} approvals
          </span>
        )}
      </span>
    </>
  );
  const className = `row ${entry.risk}`;
  return onSelect === undefined ? (
    <Link className={className} href={`/console/tasks/${entry.id}`}>
      {content}
    </Link>
  ) : (
    <button
      type="button"
      className={className}
      aria-current={isSelected ? "true" : undefined}
      onClick={() => onSelect(entry.id)}
    >
      {content}
    </button>
  );
});
