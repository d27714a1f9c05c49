import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ConfirmRequest } from "../../src/contract/requests.ts";
import type { TaskView } from "../../src/contract/task.ts";
import { decide } from "../api/passkeys.ts";
import { kept } from "../api/queries.ts";

/** Sends a decision on exactly the plan that was shown. */
export function useDecision(task: TaskView) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Omit<ConfirmRequest, "task_id" | "plan_digest">) =>
      decide({ task_id: task.task_id, plan_digest: task.plan_digest, ...body }),
    onSuccess: (after) => client.setQueryData(kept.task(task.task_id), after),
    // Refused because another was faster: the card shows what is now.
    onError: () => client.invalidateQueries({ queryKey: kept.task(task.task_id) }),
  });
}
