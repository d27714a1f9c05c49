import type { GrantList, GrantRequest, GrantView } from "../../src/contract/grant.ts";
import type {
  Assertion,
  CeremonyView,
  EnrolmentView,
  EnrolRequest,
  PasskeyList,
  SessionView,
  StepUpRequest,
} from "../../src/contract/people.ts";
import type {
  ConfirmRequest,
  StopView,
  TaskList,
  TaskListQuery,
} from "../../src/contract/requests.ts";
import type { CapabilitiesView, ReadyView } from "../../src/contract/service.ts";
import type { TaskView } from "../../src/contract/task.ts";
import { ProblemError } from "./problem.ts";
import { request } from "./request.ts";

/** Every question that the pages ask, by name. */
export const service = {
  session: (signal?: AbortSignal) => get<SessionView>("/session", signal),
  openLink: (token: string) => post<EnrolmentView>("/session/link", { token }),
  enrolOptions: (enrolment: string, name: string | undefined) =>
    post<Record<string, unknown>>("/session/enrol/options", { enrolment, ...optional({ name }) }),
  enrol: (body: EnrolRequest) => post<SessionView>("/session/enrol", body),
  passkeyOptions: () => post<CeremonyView>("/session/passkey/options"),
  signInWithPasskey: (assertion: Assertion) => post<SessionView>("/session/passkey", assertion),
  signInWithPassword: (id: string, password: string) =>
    post<SessionView>("/session/password", { id, password }),
  stepUp: (body: StepUpRequest) => post<SessionView>("/session/step-up", body),
  signOut: () => remove("/session"),

  passkeys: (signal?: AbortSignal) => get<PasskeyList>("/session/passkeys", signal),
  newPasskeyOptions: () => post<CeremonyView>("/session/passkeys/options"),
  addPasskey: (body: Assertion | Record<string, unknown>) =>
    post<PasskeyList>("/session/passkeys", body),
  removePasskey: (id: string) => remove(`/session/passkeys/${id}`),

  tasks: (query: TaskListQuery, signal?: AbortSignal) =>
    get<TaskList>(`/tasks${search(query)}`, signal),
  task: (id: string, signal?: AbortSignal) => get<TaskView>(`/tasks/${id}`, signal),
  confirm: (body: ConfirmRequest & { assertion?: Assertion }) => post<TaskView>("/confirm", body),
  challenge: (task_id: string, plan_digest: string) =>
    post<CeremonyView>("/confirm/challenge", { task_id, plan_digest }),
  cancel: (id: string) => post<TaskView>(`/tasks/${id}/cancel`),
  tell: (id: string, message: string) => post<TaskView>(`/tasks/${id}/messages`, { message }),
  takeOver: (id: string) => post<TaskView>(`/tasks/${id}/takeover`),
  giveBack: (id: string) => post<TaskView>(`/tasks/${id}/resume`),

  grants: (signal?: AbortSignal) => get<GrantList>("/grants", signal),
  grant: (body: GrantRequest) => post<GrantView>("/grants", body),
  endGrant: (id: string) => remove(`/grants/${id}`),

  stop: (reason?: string) => post<StopView>("/stop", optional({ reason })),
  resume: () => post<StopView>("/resume"),
  capabilities: (signal?: AbortSignal) => get<CapabilitiesView>("/capabilities", signal),
  /** Its 503 says the same as its 200: which part is not ready. */
  ready: async (signal?: AbortSignal): Promise<ReadyView> => {
    const response = await fetch("/ready", { cache: "no-store", ...(signal && { signal }) });
    if (response.status !== 200 && response.status !== 503) {
      throw new ProblemError(response.status, { code: "unreachable", detail: "No answer." });
    }
    return (await response.json()) as ReadyView;
  },
} as const;

function get<Answer>(target: string, signal?: AbortSignal): Promise<Answer> {
  return request<Answer>("GET", target, signal ? { signal } : {});
}

function post<Answer>(target: string, body: unknown = {}): Promise<Answer> {
  return request<Answer>("POST", target, { body });
}

function remove(target: string): Promise<unknown> {
  return request("DELETE", target);
}

function search(query: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  if (given.length === 0) return "";
  return `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

function optional<Fields extends object>(fields: Fields): Partial<Fields> {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== "");
  return Object.fromEntries(given) as Partial<Fields>;
}
