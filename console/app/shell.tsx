import { lazy, type ReactNode, Suspense, useCallback } from "react";
import { Link, Route, Switch, useLocation, useRoute } from "wouter";
import type { SessionView } from "../../src/contract/people.ts";
import { InboxPage } from "../inbox/inbox-page.tsx";
import { InboxProvider, useInbox } from "../inbox/inbox-provider.tsx";
import { useTitleBadge } from "../inbox/use-title-badge.ts";
import { LiveProvider, useLive } from "../live/live-provider.tsx";
import { Inert } from "../parts/inert.tsx";
import { Icon, type IconName } from "./icon.tsx";
import { Mark } from "./mark.tsx";
import { StopButton, StoppedBanner } from "./stop-button.tsx";

const AccountPage = lazily(() => import("../people/account-page.tsx"), "AccountPage");
const TasksPage = lazily(() => import("../task/tasks-page.tsx"), "TasksPage");
const TaskPage = lazily(() => import("../task/task-page.tsx"), "TaskPage");
const GrantsPage = lazily(() => import("../grants/grants-page.tsx"), "GrantsPage");
const DesktopsPage = lazily(() => import("../desktops/desktops-page.tsx"), "DesktopsPage");
const OperatePage = lazily(() => import("../operate/operate-page.tsx"), "OperatePage");

interface Place {
  readonly path: string;
  readonly name: string;
  readonly icon: IconName;
  readonly operators?: true;
}

const PLACES: readonly Place[] = [
  { path: "/console", name: "Inbox", icon: "inbox" },
  { path: "/console/tasks", name: "Tasks", icon: "tasks" },
  { path: "/console/grants", name: "Allowed", icon: "allowed" },
  { path: "/console/desktops", name: "Desktops", icon: "desktops", operators: true },
  { path: "/console/operate", name: "Operate", icon: "operate", operators: true },
];

/** Everything behind the sign-in. */
export function Shell({ session }: { session: SessionView }) {
  const [, navigate] = useLocation();
  const openTask = useCallback(
    ({ id }: { id: string }) => navigate(`/console/tasks/${id}`),
    [navigate],
  );
  return (
    <LiveProvider person={session.person.id}>
      <InboxProvider onOpen={openTask}>
        <a className="skip" href="#content">
          To the content
        </a>
        <Header session={session} />
        <StoppedBanner />
        <main id="content" tabIndex={-1}>
          <Suspense fallback={<p className="loading">Loading…</p>}>
            <Pages session={session} />
          </Suspense>
        </main>
      </InboxProvider>
    </LiveProvider>
  );
}

function Header({ session }: { session: SessionView }) {
  const { person } = session;
  return (
    <header className="top">
      <Link className="home" href="/console" aria-label="ByteBot Gateway, inbox">
        <Mark />
      </Link>
      <nav className="places" aria-label="Pages">
        {PLACES.filter(({ operators }) => !operators || person.role === "operator").map((place) => (
          <PlaceLink key={place.path} place={place} />
        ))}
        <Link className={isOwn} href="/console/account">
          <Icon name="account" />
          <span className="place-name">
            <Inert text={person.name} />
          </span>
        </Link>
      </nav>
      <LiveSign />
      <StopButton />
    </header>
  );
}

const isOwn = (active: boolean) => (active ? "place own active" : "place own");

function PlaceLink({ place: { path, name, icon } }: { place: Place }) {
  const { waiting } = useInbox();
  const [isHere] = useRoute(path);
  const [isBelow] = useRoute(`${path}/*?`);
  const isActive = path === "/console" ? isHere : isBelow;
  const count = path === "/console" ? waiting.length : 0;
  return (
    <Link
      className={isActive ? "place active" : "place"}
      href={path}
      aria-current={isActive ? "page" : undefined}
    >
      <Icon name={icon} />
      <span className="place-name">{name}</span>
      {count > 0 && (
        <span className="count">
          {count}
          <span className="visually-hidden"> waiting</span>
        </span>
      )}
    </Link>
  );
}

const LIVE_WORDS = { live: "Live", connecting: "Connecting", broken: "Reconnecting" } as const;

/** Whether what is shown is kept up to date at this moment. */
function LiveSign() {
  const { state } = useLive();
  return (
    <span className={`live ${state}`} role="status">
      <span className="live-dot" aria-hidden="true" />
      <span className="live-word">{LIVE_WORDS[state]}</span>
    </span>
  );
}

function Pages({ session }: { session: SessionView }) {
  const me = `person:${session.person.id}`;
  const isOperator = session.person.role === "operator";
  return (
    <Switch>
      <Route path="/console">
        <Titled title="Inbox">
          <InboxPage me={me} />
        </Titled>
      </Route>
      <Route path="/console/tasks">
        <Titled title="Tasks">
          <TasksPage />
        </Titled>
      </Route>
      <Route path="/console/tasks/:id">
        {({ id }) => (
          <Titled title="Task">
            <TaskPage id={id} me={me} />
          </Titled>
        )}
      </Route>
      <Route path="/approvals/:id">
        {({ id }) => (
          <Titled title="Decide">
            <TaskPage id={id} me={me} />
          </Titled>
        )}
      </Route>
      <Route path="/console/grants">
        <Titled title="Allowed">
          <GrantsPage />
        </Titled>
      </Route>
      <Route path="/console/account">
        <Titled title="You">
          <AccountPage session={session} />
        </Titled>
      </Route>
      {isOperator && (
        <Route path="/console/desktops/:name?">
          {({ name }) => (
            <Titled title="Desktops">
              <DesktopsPage name={name} />
            </Titled>
          )}
        </Route>
      )}
      {isOperator && (
        <Route path="/console/operate/:part?">
          {({ part }) => (
            <Titled title="Operate">
              <OperatePage part={part} />
            </Titled>
          )}
        </Route>
      )}
      <Route>
        <Titled title="Not found">
          <NotFound />
        </Titled>
      </Route>
    </Switch>
  );
}

function Titled({ title, children }: { title: string; children: ReactNode }) {
  const { waiting } = useInbox();
  useTitleBadge(title, waiting.length);
  return children;
}

function NotFound() {
  return (
    <div className="page narrow">
      <h1>There is no such page</h1>
      <p>
        It may be for operators only. <Link href="/console">To the inbox</Link>
      </p>
    </div>
  );
}

/** A page in a file of its own, loaded when it is first shown. */
function lazily<Name extends string, Props extends object>(
  load: () => Promise<Record<Name, (props: Props) => ReactNode>>,
  name: Name,
) {
  return lazy(async () => ({ default: (await load())[name] }));
}
