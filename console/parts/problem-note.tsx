import { problemOf } from "../api/problem.ts";
import { Inert } from "./inert.tsx";

/** What went wrong, by which rule, and what to do. Nothing where nothing did. */
export function ProblemNote({ error }: { error: unknown }) {
  if (error === undefined || error === null) return null;
  const { detail, hint, code } = problemOf(error);
  return (
    <div className="problem" role="alert">
      <p>
        <Inert text={detail} />
      </p>
      {hint !== undefined && (
        <p className="hint">
          <Inert text={hint} />
        </p>
      )}
      {code !== undefined && <code className="code">{code}</code>}
    </div>
  );
}
