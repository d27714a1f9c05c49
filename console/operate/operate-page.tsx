import { Link, Redirect } from "wouter";

const PARTS = [
  ["policy", "Policy"],
  ["audit", "Audit"],
  ["keys", "Keys"],
  ["people", "People"],
  ["statistics", "Statistics"],
] as const;

/** What operators see besides, each part a page of its own. */
export function OperatePage({ part }: { part: string | undefined }) {
  const known = PARTS.find(([id]) => id === part);
  if (known === undefined) return <Redirect to="/console/operate/policy" replace />;
  const [, title] = known;
  return (
    <div className="page">
      <nav className="parts" aria-label="Operate">
        {PARTS.map(([id, name]) => (
          <Link
            key={id}
            className={id === part ? "part-link active" : "part-link"}
            href={`/console/operate/${id}`}
          >
            {name}
          </Link>
        ))}
      </nav>
      <header className="page-head">
        <h1>{title}</h1>
      </header>
    </div>
  );
}
