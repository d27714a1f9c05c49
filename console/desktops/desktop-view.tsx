import { lazy, Suspense, useState } from "react";
import { Link } from "wouter";
import type { DesktopView as View } from "../../src/contract/desktop.ts";
import { Inert } from "../parts/inert.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { DesktopState } from "./desktop-state.tsx";
import { HandsPanel } from "./hands-panel.tsx";
import { PictureScreen } from "./picture-screen.tsx";
import { TakeoverBar } from "./takeover-bar.tsx";
import { useInputLine } from "./use-input-line.ts";

/** With noVNC, which no other page needs. */
const VncScreen = lazy(async () => ({ default: (await import("./vnc-screen.tsx")).VncScreen }));

/** One desktop: what it shows, and taking it into one's own hands. */
export function DesktopView({ desktop, me }: { desktop: View; me: string | undefined }) {
  const { name, lease, busy_with: task, reason, hint } = desktop;
  const isMine = lease?.mine === true;
  const input = useInputLine(name, isMine);
  return (
    <div className="desktop">
      <DesktopState desktop={desktop} me={me} />
      {reason !== undefined && (
        <div className="problem">
          <p>
            <Inert text={reason} />
          </p>
          {hint !== undefined && (
            <p className="hint">
              <Inert text={hint} />
            </p>
          )}
        </div>
      )}
      {task !== undefined && (
        <p className="desktop-task">
          A task runs here: it must end before anybody can take the desktop over.{" "}
          <Link href={`/console/tasks/${task}`}>See it, or cancel it</Link>. An agent can be asked
          to hand its desktop over there, too.
        </p>
      )}
      <TakeoverBar desktop={desktop} me={me} />
      <Screen desktop={desktop} me={me} input={input} />
      {isMine && <HandsPanel input={input} screen={desktop.screen} />}
      <ProblemNote error={input.error} />
    </div>
  );
}

interface ScreenProps {
  readonly desktop: View;
  readonly me: string | undefined;
  readonly input: ReturnType<typeof useInputLine>;
}

function Screen({ desktop: { name, live, lease, screen }, me, input }: ScreenProps) {
  const [withoutVnc, setWithoutVnc] = useState(false);
  const isMine = lease?.mine === true;
  if (lease !== undefined && !isMine && lease.person_id !== me) {
    return (
      <p className="screen-absent">
        What <Inert text={lease.name} /> does here is for nobody else to see. The picture comes back
        with the desktop.
      </p>
    );
  }
  if (live === "none") return <p className="screen-absent">This desktop has no screen to show.</p>;
  if (live === "vnc" && !withoutVnc) {
    return (
      <Suspense fallback={<p className="loading">Loading the live picture…</p>}>
        <VncScreen name={name} isMine={isMine} size={screen} onGone={() => setWithoutVnc(true)} />
      </Suspense>
    );
  }
  return (
    <>
      {withoutVnc && (
        <p className="screen-note">
          The live picture cannot be had: these are single ones.{" "}
          <button type="button" className="link" onClick={() => setWithoutVnc(false)}>
            Try the live picture again
          </button>
        </p>
      )}
      <PictureScreen name={name} isMine={isMine} size={screen} input={input} />
    </>
  );
}
