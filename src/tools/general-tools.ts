import Type, { type Static, type TSchema } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import { GatewayError } from "../contract/errors.ts";
import type { PlanRequest } from "../contract/requests.ts";
import { TaskId } from "../contract/task.ts";
import { confirmationNote } from "./confirmation-note.ts";
import { type Tool, type ToolArguments, toolName } from "./tool.ts";
import { toolSchema } from "./tool-schema.ts";

export const TASK_STATUS = "task_status";
const RUN_PLAN = "run_plan";

/** Seconds that `task_status` waits at most. */
const MAX_WAIT_S = 300;

const StatusArguments = Type.Object({
  task_id: Type.String({ ...TaskId, description: "As the call that began it answered it." }),
  wait: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: MAX_WAIT_S,
      default: 0,
      description: `Seconds to wait for its end, 0 to ${MAX_WAIT_S}; 0 answers at once. 60 serves well while a person decides. Default 0.`,
    }),
  ),
});

const isStatusArguments = checkOf(StatusArguments);

/** How a task stands, and its result once it is finished. */
export const taskStatusTool: Tool = {
  name: TASK_STATUS,
  title: "Ask how a task stands",
  description:
    "Tells how a task stands that an earlier call began, and gives its result once it is completed, an image as an image. With wait it answers as soon as the task is finished, or when the time is up; ask again then. It decides nothing: only a person approves.",
  parameters: toolSchema(StatusArguments),
  annotations: { readOnly: true, destructive: false, idempotent: true, openWorld: false },
};

/** Throws `invalid_request`. */
export function readStatusArguments(args: ToolArguments): { taskId: string; waitMs: number } {
  const { task_id, wait = 0 } = args;
  const asked = { task_id, wait: wait ?? 0 };
  if (!isStatusArguments(asked)) {
    throw new GatewayError("invalid_request", "task_id or wait is not what task_status takes.", {
      hint: `Send the task_id of an earlier answer, and a wait of 0 to ${MAX_WAIT_S} seconds.`,
    });
  }
  return { taskId: asked.task_id, waitMs: (asked.wait ?? 0) * 1000 };
}

const PlanArguments = Type.Object({
  steps: Type.Array(
    Type.Object({
      action: Type.String({ maxLength: 64 }),
      parameters: Type.Optional(
        Type.Unsafe<Record<string, unknown>>(Type.Object({}, { additionalProperties: true })),
      ),
    }),
    { minItems: 1, maxItems: 100 },
  ),
  title: Type.Optional(Type.String({ maxLength: 200 })),
  desktop: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
});

const isPlanArguments = checkOf(PlanArguments);

/** Several of these actions in order, approved together. */
export function runPlanTool(actions: readonly string[]): Tool {
  const names = actions.map(toolName);
  return {
    name: RUN_PLAN,
    title: "Run several steps",
    description: `Runs several actions in order, as one plan that a person approves once; the first failure stops it. Use it where the steps are known beforehand; where a step depends on what is seen after another, call the tools one by one. The strictest step decides who must confirm. ${confirmationNote(undefined)}`,
    parameters: {
      type: "object",
      properties: {
        steps: {
          type: "array",
          minItems: 1,
          maxItems: 100,
          description: "What to do, in order. 1 to 100 items.",
          items: {
            type: "object",
            properties: {
              action: {
                type: "string",
                enum: names,
                description: "The name of the tool to run.",
              },
              parameters: {
                type: "object",
                description: "What that tool takes. Default none.",
              },
            },
            required: ["action"],
          },
        },
        title: {
          type: "string",
          maxLength: 200,
          description:
            "What it is for, in a few words, for the person who approves. At most 200 characters.",
        },
        desktop: {
          type: "string",
          description: "The desktop to work on, by its name. Default: the first one.",
        },
      },
      required: ["steps"],
    },
    annotations: { readOnly: false, destructive: true, idempotent: false, openWorld: true },
    plan: (args) => readPlan(args, actions),
  };
}

function readPlan(args: ToolArguments, actions: readonly string[]): PlanRequest {
  const { steps, title, desktop } = args;
  const asked = { steps, ...(title != null && { title }), ...(desktop != null && { desktop }) };
  if (!isPlanArguments(asked)) {
    throw new GatewayError("invalid_request", "The arguments are not what run_plan takes.", {
      hint: 'Send {"steps": [{"action": "fs_read", "parameters": {"path": "/tmp/a.txt"}}, …]}, 1 to 100 of them.',
    });
  }
  const byName = new Map(actions.map((action) => [toolName(action), action]));
  return { ...asked, steps: asked.steps.map((step) => readStep(step, byName)) };
}

function readStep(
  { action, parameters }: Static<typeof PlanArguments>["steps"][number],
  byName: ReadonlyMap<string, string>,
) {
  return { action: byName.get(action) ?? action, ...(parameters && { parameters }) };
}

/** Compiled when first needed, so that no start pays for it. */
function checkOf<Schema extends TSchema>(schema: Schema) {
  let compiled: Validator | undefined;
  return (value: unknown): value is Static<Schema> => {
    compiled ??= Compile(schema);
    return compiled.Check(value);
  };
}
