import type { AuditList, AuditQuery } from "../../src/contract/audit.ts";
import type {
  CreateKeyRequest,
  DryRunRequest,
  DryRunView,
  ExplainRequest,
  ExplanationView,
  KeyList,
  NewKeyView,
  PolicyView,
  StatisticsView,
  VerificationView,
} from "../../src/contract/operate.ts";
import type { LinkView, PeopleList, PersonRole } from "../../src/contract/people.ts";
import { request } from "./request.ts";

/** Names under which answers of the operators' pages are kept. */
export const keptForOperators = {
  policy: ["policy"],
  audit: ["audit"],
  verification: ["verification"],
  keys: ["keys"],
  people: ["people"],
  statistics: (days: number) => ["statistics", days],
} as const;

/** What operators' pages ask. */
export const operate = {
  policy: (signal?: AbortSignal) => get<PolicyView>("/policy", signal),
  explain: (body: ExplainRequest) => post<ExplanationView>("/policy/explain", body),
  dryRun: (policy: DryRunRequest["policy"]) => post<DryRunView>("/policy/dry-run", { policy }),

  audit: (query: AuditQuery, signal?: AbortSignal) =>
    get<AuditList>(`/audit${search(query)}`, signal),
  verification: (signal?: AbortSignal) => get<VerificationView>("/audit/verification", signal),

  keys: (signal?: AbortSignal) => get<KeyList>("/keys", signal),
  createKey: (body: CreateKeyRequest) => post<NewKeyView>("/keys", body),
  rotateKey: (id: string, overlap_minutes: number) =>
    post<NewKeyView>(`/keys/${encodeURIComponent(id)}/rotate`, { overlap_minutes }),
  revokeKey: (id: string) => request("DELETE", `/keys/${encodeURIComponent(id)}`),

  people: (signal?: AbortSignal) => get<PeopleList>("/people", signal),
  invite: (role: PersonRole, name: string) =>
    post<LinkView>("/people", { role, ...(name !== "" && { name }) }),
  recover: (id: string) => post<LinkView>(`/people/${id}/link`),
  vouch: (id: string) => post<unknown>(`/people/${id}/vouch`),
  removePerson: (id: string) => request("DELETE", `/people/${id}`),
  withdraw: (id: string) => request("DELETE", `/people/invitations/${id}`),

  statistics: (days: number, signal?: AbortSignal) =>
    get<StatisticsView>(`/statistics?days=${days}`, signal),
} as const;

function get<Answer>(target: string, signal?: AbortSignal): Promise<Answer> {
  return request<Answer>("GET", target, signal ? { signal } : {});
}

function post<Answer>(target: string, body: unknown = {}): Promise<Answer> {
  return request<Answer>("POST", target, { body });
}

function search(query: AuditQuery): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}
