import type { PlanRequest, StepRequest, TaskView } from "../../src/contract/task.ts";

/** A field of the form: what a parameter is while it is being edited. */
export interface DraftField {
  readonly name: string;
  /** How the text becomes a value: as it stands, or as JSON. */
  readonly kind: "text" | "json";
  readonly text: string;
}

export interface DraftStep {
  readonly action: string;
  readonly fields: readonly DraftField[];
}

/** The plan's steps as a form to be changed. */
export function draftOf(task: Pick<TaskView, "steps">): DraftStep[] {
  return task.steps.map(({ action, parameters }) => ({
    action,
    fields: Object.entries(parameters).map(([name, value]) =>
      typeof value === "string"
        ? { name, kind: "text", text: value }
        : { name, kind: "json", text: JSON.stringify(value) },
    ),
  }));
}

export function withField(
  draft: readonly DraftStep[],
  step: number,
  name: string,
  text: string,
): DraftStep[] {
  return draft.map((entry, index) =>
    index !== step
      ? entry
      : {
          ...entry,
          fields: entry.fields.map((field) => (field.name === name ? { ...field, text } : field)),
        },
  );
}

/** @throws Error that names the field whose JSON is none */
export function requestOf(draft: readonly DraftStep[], title?: string): PlanRequest {
  const steps = draft.map(({ action, fields }, index): StepRequest => {
    const parameters: [string, unknown][] = fields.map(({ name, kind, text }) => [
      name,
      kind === "text" ? text : parsed(text, `${name} of step ${index + 1}`),
    ]);
    return { action, parameters: Object.fromEntries(parameters) };
  });
  const [only] = steps;
  if (steps.length === 1 && only !== undefined && title === undefined) return only;
  return { ...(title !== undefined && { title }), steps };
}

/** What was written as JSON; a body of POST /plan or an error that says why not. */
export function requestFromJson(text: string): PlanRequest {
  const value = parsed(text, "The proposal");
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("The proposal is no JSON object: { action, parameters } or { steps }.");
  }
  if (!("action" in value) && !("steps" in value)) {
    throw new Error("The proposal names neither an action nor steps.");
  }
  return value as PlanRequest;
}

function parsed(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${what} is no JSON.`);
  }
}
