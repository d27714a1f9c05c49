import { useQuery } from "@tanstack/react-query";
import type { VerificationView } from "../../src/contract/operate.ts";
import { keptForOperators, operate } from "../api/operate.ts";
import { Inert } from "../parts/inert.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { Moment } from "../parts/time.tsx";

const RUNNING_MS = 2000;
const RESTING_MS = 60_000;

/** Whether the record is as it was written, and when that was last looked at. */
export function AuditVerification() {
  const { data, error } = useQuery({
    queryKey: keptForOperators.verification,
    queryFn: ({ signal }) => operate.verification(signal),
    refetchInterval: ({ state }) =>
      state.data?.running || state.data?.state === "checking" ? RUNNING_MS : RESTING_MS,
  });
  if (data === undefined) return <ProblemNote error={error} />;
  return (
    <div
      className={`verification ${data.state}`}
      role={data.state === "broken" ? "alert" : "status"}
    >
      <Words view={data} />
    </div>
  );
}

function Words({ view: { state, checked, head, at, problem } }: { view: VerificationView }) {
  const newer = head.seq - checked;
  const time = at !== undefined && (
    <>
      {" "}
      Verified <Moment at={at} />.
    </>
  );
  if (state === "checking") {
    return (
      <p>
        Being verified: {checked.toLocaleString()} of {head.seq.toLocaleString()} records.
      </p>
    );
  }
  if (state === "sound") {
    return (
      <p>
        <strong>The record is sound.</strong> All {checked.toLocaleString()} records are as they
        were written.{time}
        {newer > 0 &&
          ` ${newer.toLocaleString()} newer ${newer === 1 ? "one comes" : "ones come"} next.`}
      </p>
    );
  }
  return (
    <>
      <p>
        <strong>The record was changed, or is damaged.</strong> Sound up to number{" "}
        {checked.toLocaleString()}.{time}
      </p>
      {problem !== undefined && (
        <p>
          Number {problem.seq}: <Inert text={problem.detail} />{" "}
          <code>
            <Inert text={problem.kind} />
          </code>
        </p>
      )}
    </>
  );
}
