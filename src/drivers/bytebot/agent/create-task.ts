import { setTimeout as sleep } from "node:timers/promises";
import { GatewayError } from "../../../contract/errors.ts";
import type { AgentModel, AgentTask } from "./agent-answers.ts";
import type { AgentApi, NewAgentTask } from "./agent-api.ts";
import { shortLine } from "./agent-event.ts";
import { stopTask } from "./stop-task.ts";
import type { Timings } from "./timings.ts";

const MAX_NAMED = 20;

/** Throws where the agent has other work: what it does then could not be told apart. */
export async function requireIdle(api: AgentApi, signal: AbortSignal): Promise<void> {
  const live = await api.liveTasks(signal);
  if (live.length === 0) return;
  throw new GatewayError(
    "desktop_unavailable",
    `ByteBot's agent has ${live.length === 1 ? "another task" : `${live.length} other tasks`} under way`,
    {
      hint: "Let it finish, or cancel it (docs/bytebot.md says how, under Troubleshooting), then plan this again.",
    },
  );
}

/** The model of that name; without a name the agent's first. */
export async function chooseModel(
  api: AgentApi,
  name: string | undefined,
  signal: AbortSignal,
): Promise<AgentModel> {
  const models = await api.models(signal);
  const model = name === undefined ? models[0] : models.find((offered) => offered.name === name);
  if (model !== undefined) return model;
  if (models.length === 0) {
    throw new GatewayError("bytebot_error", "ByteBot's agent offers no model", {
      hint: "Give ByteBot's agent the key of a model, such as ANTHROPIC_API_KEY.",
    });
  }
  const names = models.slice(0, MAX_NAMED).map((offered) => shortLine(offered.name, 100));
  throw new GatewayError("invalid_request", "ByteBot's agent does not offer that model", {
    hint: `It offers ${names.join(", ")}${models.length > MAX_NAMED ? " and others" : ""}.`,
  });
}

/**
 * Creates the task, once. The agent had none before: where the answer is lost, a live one with the
 * same description is the one that was created after all, and is cancelled.
 */
export async function createTask(
  api: AgentApi,
  task: NewAgentTask,
  timings: Timings,
  signal: AbortSignal,
): Promise<AgentTask> {
  try {
    return await api.create(task, signal);
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== "outcome_unknown") throw error;
    const found = await undo(api, task.description, timings);
    throw new GatewayError(
      "outcome_unknown",
      `${error.detail}; ${FOUND[found]}`,
      error.extras,
      error,
    );
  }
}

const FOUND = {
  stopped: "the task it had created was found and cancelled",
  going: "the task it had created could not be cancelled",
  nothing: "no task that it would have created was found",
};

async function undo(
  api: AgentApi,
  description: string,
  timings: Timings,
): Promise<keyof typeof FOUND> {
  const signal = AbortSignal.timeout(timings.stopMs);
  while (!signal.aborted) {
    try {
      const live = await api.liveTasks(signal);
      const created = live.filter((task) => task.description === description);
      if (created.length > 0) {
        const stopped = await Promise.all(created.map(({ id }) => stopTask(api, id, timings)));
        return stopped.every(Boolean) ? "stopped" : "going";
      }
      // The agent may still be at it: a request that hung is not over when its caller gives up.
      await sleep(timings.pollMs, undefined, { signal });
    } catch {
      // Out of reach, or out of time.
      await sleep(timings.gapMs);
    }
  }
  return "nothing";
}
