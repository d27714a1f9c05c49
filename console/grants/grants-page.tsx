import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import type { GrantView } from "../../src/contract/grant.ts";
import { kept, useRefresh } from "../api/queries.ts";
import { service } from "../api/service.ts";
import { useAnnounce } from "../parts/announcer.tsx";
import { Who } from "../parts/facts.tsx";
import { Inert } from "../parts/inert.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { Moment, TimeLeft } from "../parts/time.tsx";

/** What is allowed for a while without asking, and how to end it. */
export function GrantsPage() {
  const { data, error, isPending } = useQuery({
    queryKey: kept.grants,
    queryFn: ({ signal }) => service.grants(signal),
  });
  return (
    <div className="page narrow">
      <header className="page-head">
        <h1>Allowed for a while</h1>
      </header>
      <ProblemNote error={error} />
      {isPending && <p className="loading">Asking the gateway…</p>}
      {data?.grants.length === 0 && (
        <div className="nothing small">
          <h2>Nothing is allowed without asking</h2>
          <p>
            On a plan that only reads or writes files in one place, or opens pages of one site, you
            may allow plans like it for some minutes. They are listed here, and end with one press.
          </p>
        </div>
      )}
      <ul className="entries">
        {data?.grants.map((grant) => (
          <li key={grant.id}>
            <Grant grant={grant} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Grant({ grant }: { grant: GrantView }) {
  const refresh = useRefresh();
  const announce = useAnnounce();
  const end = useMutation({
    mutationFn: () => service.endGrant(grant.id),
    onSuccess: () => announce("It is asked for again from now on."),
    onSettled: () => refresh(kept.grants),
  });
  return (
    <div className="entry">
      <div>
        <p>
          <strong>
            <Inert text={grant.key_id} />
          </strong>{" "}
          may{" "}
          <code>
            <Inert text={grant.action} />
          </code>{" "}
          {grant.domain !== undefined ? "on" : "in"}{" "}
          <code>
            <Inert text={grant.domain ?? grant.path_prefix ?? ""} />
          </code>
        </p>
        <p className="hint">
          <TimeLeft until={Date.parse(grant.expires_at)} /> · by <Who keyId={grant.granted_by} /> on{" "}
          <Link href={`/console/tasks/${grant.on_task}`}>a plan</Link> · desktop{" "}
          <Inert text={grant.desktop} /> · used {grant.used === 1 ? "once" : `${grant.used} times`}
          {grant.last_used_at !== undefined && (
            <>
              , last <Moment at={grant.last_used_at} />
            </>
          )}
        </p>
        <ProblemNote error={end.error} />
      </div>
      <button
        type="button"
        className="button"
        disabled={end.isPending}
        onClick={() => end.mutate()}
      >
        End it
      </button>
    </div>
  );
}
