import { Link } from "wouter";
import { useSession } from "../api/queries.ts";
import { ProblemNote } from "../parts/problem-note.tsx";
import { DesktopCard } from "./desktop-card.tsx";
import { DesktopView } from "./desktop-view.tsx";
import { useDesktops } from "./use-desktops.ts";
import "./desktops.css";

/** The desktops, or one of them. */
export function DesktopsPage({ name }: { name: string | undefined }) {
  const { data, error, isPending } = useDesktops();
  const me = useSession().data?.person.id;
  const desktop = data?.desktops.find((each) => each.name === name);
  return (
    <div className="page">
      <header className="page-head">
        {name === undefined ? (
          <h1>Desktops</h1>
        ) : (
          <div>
            <p className="back">
              <Link href="/console/desktops">All desktops</Link>
            </p>
            <h1>{name}</h1>
          </div>
        )}
      </header>
      <ProblemNote error={error} />
      {isPending && <p className="loading">Asking the gateway…</p>}
      {data !== undefined && name === undefined && (
        <ul className="desktop-cards">
          {data.desktops.map((each) => (
            <li key={each.name}>
              <DesktopCard desktop={each} me={me} />
            </li>
          ))}
        </ul>
      )}
      {desktop !== undefined && <DesktopView key={desktop.name} desktop={desktop} me={me} />}
      {data !== undefined && name !== undefined && desktop === undefined && (
        <p>There is no desktop of this name.</p>
      )}
    </div>
  );
}
