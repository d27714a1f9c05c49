import { lazy, type ReactNode, Suspense } from "react";
import { Link, Redirect } from "wouter";
import "./operate.css";

/** Each part is a file of its own, loaded when it is first shown. */
const PARTS = [
  {
    id: "policy",
    title: "Policy",
    Part: lazily(() => import("./policy-part.tsx"), "PolicyPart"),
  },
  { id: "audit", title: "Audit", Part: lazily(() => import("./audit-part.tsx"), "AuditPart") },
  { id: "keys", title: "Keys", Part: lazily(() => import("./keys-part.tsx"), "KeysPart") },
  {
    id: "people",
    title: "People",
    Part: lazily(() => import("./people-part.tsx"), "PeoplePart"),
  },
  {
    id: "statistics",
    title: "Statistics",
    Part: lazily(() => import("./statistics-part.tsx"), "StatisticsPart"),
  },
] as const;

/** What operators see besides, each part a page of its own. */
export function OperatePage({ part }: { part: string | undefined }) {
  const known = PARTS.find(({ id }) => id === part);
  if (known === undefined) return <Redirect to="/console/operate/policy" replace />;
  const { title, Part } = known;
  return (
    <div className="page operate">
      <nav className="parts" aria-label="Operate">
        {PARTS.map((entry) => (
          <Link
            key={entry.id}
            className={entry.id === part ? "part-link active" : "part-link"}
            href={`/console/operate/${entry.id}`}
            aria-current={entry.id === part ? "page" : undefined}
          >
            {entry.title}
          </Link>
        ))}
      </nav>
      <header className="page-head">
        <h1>{title}</h1>
      </header>
      <Suspense fallback={<p className="loading">Loading…</p>}>
        <Part />
      </Suspense>
    </div>
  );
}

function lazily<Name extends string>(
  load: () => Promise<Record<Name, () => ReactNode>>,
  name: Name,
) {
  return lazy(async () => ({ default: (await load())[name] }));
}
