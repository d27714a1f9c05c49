import {
  MutationCache,
  QueryCache,
  QueryClient,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import type { SessionView } from "../../src/contract/people.ts";
import { isProblem } from "./problem.ts";
import { service } from "./service.ts";

/** Names under which answers are kept; pages make theirs beside these: `["keys"]`, `["policy"]` … */
export const kept = {
  session: ["session"],
  ready: ["ready"],
  task: (id: string) => ["task", id],
  tasks: ["tasks"],
  grants: ["grants"],
  passkeys: ["passkeys"],
} as const;

/** Answers are asked for again when an event says that they changed, not by the clock. */
export function createQueryClient(): QueryClient {
  const onError = (error: unknown) => {
    // A session that ended shows as the first refusal that meets it.
    if (isProblem(error) && error.status === 401) {
      void client.invalidateQueries({ queryKey: kept.session });
    }
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        refetchOnWindowFocus: true,
        retry: (failures, error) => failures < 4 && isProblem(error, "unreachable"),
        retryDelay: (failures) => Math.min(500 * 2 ** failures, 5000),
      },
      mutations: { retry: false },
    },
  });
  return client;
}

/** Another person, or nobody, sits here now: nothing of what was shown before is kept. */
export function changeSession(client: QueryClient, session: SessionView | null): void {
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== kept.session[0] });
  client.setQueryData(kept.session, session);
}

/** Who is signed in; null for nobody. */
export function useSession() {
  return useQuery({
    queryKey: kept.session,
    queryFn: async ({ signal }) => {
      try {
        return await service.session(signal);
      } catch (error) {
        if (isProblem(error) && (error.status === 401 || error.status === 404)) return null;
        throw error;
      }
    },
    retry: (_failures, error) => isProblem(error, "unreachable"),
    staleTime: 60_000,
  });
}

export function useReady() {
  return useQuery({
    queryKey: kept.ready,
    queryFn: ({ signal }) => service.ready(signal),
    staleTime: 10_000,
    refetchInterval: 60_000,
  });
}

export function useTask(id: string | undefined) {
  return useQuery({
    queryKey: kept.task(id ?? ""),
    queryFn: ({ signal }) => service.task(id ?? "", signal),
    enabled: id !== undefined,
    staleTime: 2_000,
  });
}

/** Throws away what is kept under a name, so that it is asked for again where it is shown. */
export function useRefresh(): (key: readonly unknown[]) => void {
  const client = useQueryClient();
  return (key) => void client.invalidateQueries({ queryKey: key });
}
