import { Link } from "wouter";
import type { DesktopView } from "../../src/contract/desktop.ts";
import { Inert } from "../parts/inert.tsx";
import { DesktopState } from "./desktop-state.tsx";

const LIVE_WORDS = {
  vnc: "live picture",
  picture: "pictures",
  none: "has no screen",
} as const;

/** One desktop among others. */
export function DesktopCard({ desktop, me }: { desktop: DesktopView; me: string | undefined }) {
  const { name, driver, live, screen, busy_with: task, reason, hint } = desktop;
  return (
    <article className="desktop-card">
      <h2>
        <Link className="desktop-link" href={`/console/desktops/${name}`}>
          {name}
        </Link>
      </h2>
      <DesktopState desktop={desktop} me={me} />
      {reason !== undefined && (
        <p className="desktop-reason">
          <Inert text={reason} />
          {hint !== undefined && (
            <span className="hint">
              {" "}
              <Inert text={hint} />
            </span>
          )}
        </p>
      )}
      {task !== undefined && (
        <p>
          <Link className="over-card" href={`/console/tasks/${task}`}>
            See the task that runs
          </Link>
        </p>
      )}
      <p className="hint">
        {driver} · {LIVE_WORDS[live]}
        {screen !== undefined && ` · ${screen.width} × ${screen.height}`}
      </p>
    </article>
  );
}
