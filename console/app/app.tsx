import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState } from "react";
import { createQueryClient, useSession } from "../api/queries.ts";
import { Announcer } from "../parts/announcer.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { takeLinkToken } from "../people/link-token.ts";
import { Shell } from "./shell.tsx";

const SignInPage = lazy(async () => ({
  default: (await import("../people/sign-in-page.tsx")).SignInPage,
}));
const EnrolPage = lazy(async () => ({
  default: (await import("../people/enrol-page.tsx")).EnrolPage,
}));

const client = createQueryClient();
const firstToken = takeLinkToken();

export function App() {
  return (
    <QueryClientProvider client={client}>
      <Announcer>
        <Suspense fallback={<p className="loading">Loading…</p>}>
          <AuthGate />
        </Suspense>
      </Announcer>
    </QueryClientProvider>
  );
}

/** Who is not signed in sees how to, wherever they were going; then they are there. */
function AuthGate() {
  const [token, setToken] = useState(firstToken);
  const session = useSession();
  // A link that is opened where the page is open already does not load it anew.
  useEffect(() => {
    const take = () => {
      const found = takeLinkToken();
      if (found !== undefined) setToken(found);
    };
    addEventListener("hashchange", take);
    return () => removeEventListener("hashchange", take);
  }, []);
  if (token !== undefined) return <EnrolPage token={token} onDone={() => setToken(undefined)} />;
  if (session.data) return <Shell key={session.data.person.id} session={session.data} />;
  if (session.data === null) return <SignInPage />;
  if (session.isPending && session.failureCount === 0) return <p className="loading">Loading…</p>;
  return (
    <main className="page narrow">
      <ProblemNote error={session.error ?? session.failureReason} />
    </main>
  );
}
