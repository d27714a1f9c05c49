import type { StatisticsView } from "../../src/contract/operate.ts";
import { Who } from "../parts/facts.tsx";
import { Inert } from "../parts/inert.tsx";
import { seconds } from "./seconds.ts";
import { TablePlace } from "./table-place.tsx";

type Approver = StatisticsView["approvers"][number];

/** How long each approver takes. Who approves within two seconds cannot have read the plan. */
export function ApproversTable({ approvers }: { approvers: readonly Approver[] }) {
  const longest = Math.max(1, ...approvers.map(({ median_s: median = 0 }) => median));
  return (
    <section aria-labelledby="approvers">
      <h2 id="approvers">Time to decide</h2>
      <p className="hint">
        From the plan to the decision. An approval in under two seconds can hardly have been read.
      </p>
      {approvers.length === 0 ? (
        <p className="hint">Nobody decided in these days.</p>
      ) : (
        <TablePlace name="Time to decide, by approver">
          <thead>
            <tr>
              <th scope="col">Approver</th>
              <th scope="col" className="number">
                Decisions
              </th>
              <th scope="col">Under 2 s</th>
              <th scope="col">Half within</th>
              <th scope="col" className="number">
                Fastest
              </th>
            </tr>
          </thead>
          <tbody>
            {approvers.map((approver) => (
              <Row key={approver.key_id} approver={approver} longest={longest} />
            ))}
          </tbody>
        </TablePlace>
      )}
    </section>
  );
}

function Row({ approver, longest }: { approver: Approver; longest: number }) {
  const { key_id: keyId, name, decisions, median_s: median, fastest_s: fastest } = approver;
  const hasty = approver.under_two_seconds;
  return (
    <tr className={hasty > 0 ? "hasty" : undefined}>
      <th scope="row">{name === undefined ? <Who keyId={keyId} /> : <Inert text={name} />}</th>
      <td className="number">{decisions.toLocaleString()}</td>
      <td>
        {hasty === 0 ? (
          "none"
        ) : (
          <strong className="hasty-count">
            {hasty.toLocaleString()}
            <span className="wide-only"> {hasty === 1 ? "approval" : "approvals"}</span>
          </strong>
        )}
      </td>
      <td>
        <span className="with-bar">
          <svg className="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
            <rect width={((median ?? 0) / longest) * 100} height="8" />
          </svg>
          <span>{seconds(median)}</span>
        </span>
      </td>
      <td className="number">{seconds(fastest)}</td>
    </tr>
  );
}
