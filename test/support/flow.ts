import type { ExecuteView } from "../../src/contract/requests.ts";
import type { PlanView, TaskView } from "../../src/contract/task.ts";
import { type Answer, call } from "./call.ts";
import type { Credentials, Gateway } from "./gateway.ts";

/** The steps of plan → confirm → execute, each of which must succeed. */
type Parameters = Readonly<Record<string, unknown>>;

/** Plans one action. */
export function plan(
  gateway: Gateway,
  action: string,
  parameters: Parameters,
  credentials?: Credentials,
): Promise<PlanView> {
  return planRequest(gateway, { action, parameters }, credentials);
}

/** Plans whatever the body says. */
export async function planRequest(
  gateway: Gateway,
  body: unknown,
  credentials?: Credentials,
): Promise<PlanView> {
  return expectStatus(await call<PlanView>(gateway, "POST", "/plan", body, credentials), 200);
}

export function approve(
  gateway: Gateway,
  planned: Pick<PlanView, "task_id" | "plan_digest">,
  credentials?: Credentials,
): Promise<TaskView> {
  return decide(gateway, planned, "approve", credentials);
}

export function reject(
  gateway: Gateway,
  planned: Pick<PlanView, "task_id" | "plan_digest">,
  credentials?: Credentials,
): Promise<TaskView> {
  return decide(gateway, planned, "reject", credentials);
}

async function decide(
  gateway: Gateway,
  { task_id, plan_digest }: Pick<PlanView, "task_id" | "plan_digest">,
  decision: "approve" | "reject",
  credentials: Credentials = gateway.keys.approver,
): Promise<TaskView> {
  const body = { task_id, plan_digest, decision };
  return expectStatus(await call<TaskView>(gateway, "POST", "/confirm", body, credentials), 200);
}

/** Executes and waits up to 30 s; the task must have finished by then, well or not. */
export async function execute(
  gateway: Gateway,
  taskId: string,
  credentials?: Credentials,
): Promise<ExecuteView> {
  const body = { task_id: taskId };
  return expectStatus(
    await call<ExecuteView>(gateway, "POST", "/execute?wait=30", body, credentials),
    200,
  );
}

/** Plans, approves where a person is asked for, executes and waits: one action from end to end. */
export async function run(
  gateway: Gateway,
  action: string,
  parameters: Parameters,
  credentials?: Credentials,
): Promise<ExecuteView> {
  const planned = await plan(gateway, action, parameters, credentials);
  if (planned.confirmation.mode === "approver") await approve(gateway, planned);
  return execute(gateway, planned.task_id, credentials);
}

/** The task as `GET /tasks/{id}` shows it. */
export async function task(
  gateway: Gateway,
  taskId: string,
  credentials?: Credentials,
): Promise<TaskView> {
  const answer = await call<TaskView>(gateway, "GET", `/tasks/${taskId}`, undefined, credentials);
  return expectStatus(answer, 200);
}

function expectStatus<Body>(answer: Answer<Body>, status: number): Body {
  if (answer.status === status) return answer.body;
  throw new Error(`${status} expected, ${answer.status} came: ${JSON.stringify(answer.body)}`);
}
