import type { Principal } from "../contract/principal.ts";
import type { TaskList, TaskListQuery } from "../contract/requests.ts";
import type { TaskView } from "../contract/task.ts";
import type { Task } from "./task.ts";
import type { TaskStore } from "./task-store.ts";

const DEFAULT_LIMIT = 50;
/** A page ends with the task that reaches it, however many were asked for. */
const MAX_CHARACTERS = 4 * 1024 * 1024;

/** A page of the tasks that a principal may see, newest first. */
export async function listTasks(
  store: Pick<TaskStore, "list">,
  principal: Principal,
  { limit = DEFAULT_LIMIT, status, cursor }: TaskListQuery,
  read: (id: string) => Promise<Task | undefined>,
  viewOf: (task: Task) => Promise<TaskView>,
): Promise<TaskList> {
  const ids = await store.list({
    ...(principal.scopes.has("confirm") ? {} : { requester: principal.keyId }),
    ...(status !== undefined && { status }),
    ...(cursor !== undefined && { before: Number(cursor) }),
    limit: limit + 1,
  });
  const tasks: TaskView[] = [];
  let last: number | undefined;
  let size = 0;
  for (const id of ids.slice(0, limit)) {
    if (size >= MAX_CHARACTERS) break;
    const task = await read(id);
    if (task === undefined || !maySee(principal, task)) continue;
    const view = await viewOf(task);
    size += JSON.stringify(view).length;
    last = task.seq;
    tasks.push(view);
  }
  const more = ids.length > tasks.length && last !== undefined;
  return { tasks, ...(more && { next_cursor: String(last) }) };
}

/** A key sees its own tasks, whoever approves sees all. */
export function maySee({ keyId, scopes }: Principal, { requester }: Task): boolean {
  return requester === keyId || scopes.has("confirm");
}
