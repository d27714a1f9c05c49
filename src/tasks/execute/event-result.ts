import type { EventData } from "../../contract/event.ts";
import type { TaskResult } from "../../contract/task.ts";

/** Characters of JSON. Each subscriber reads an event whole, and keeps it until it is sent. */
const MAX_RESULT = 256 * 1024;

/** What the event of a task's good end says: its result, or where a large one is to be had. */
export function completion(taskId: string, result: TaskResult): EventData {
  if (JSON.stringify(result).length <= MAX_RESULT) return { progress: 100, result };
  return { progress: 100, result: null, result_url: `/tasks/${taskId}` };
}
