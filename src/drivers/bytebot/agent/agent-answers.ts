/** A task as ByteBot's agent tells of it, as far as it matters here. */
export interface AgentTask {
  readonly id: string;
  readonly status: AgentStatus;
  /** Who has the desktop. */
  readonly control: "USER" | "ASSISTANT";
  readonly description: string;
}

export const AGENT_STATUSES = [
  "PENDING",
  "RUNNING",
  "NEEDS_HELP",
  "NEEDS_REVIEW",
  "COMPLETED",
  "CANCELLED",
  "FAILED",
] as const;
export type AgentStatus = (typeof AGENT_STATUSES)[number];

/** In these a task may act, now or by itself later. NEEDS_REVIEW is an end that a person looks at. */
export const LIVE: ReadonlySet<AgentStatus> = new Set(["PENDING", "RUNNING", "NEEDS_HELP"]);

/** By somebody in ByteBot: to itself it hands every task over that waits for help. */
export function isTakenInByteBot({ status, control }: AgentTask): boolean {
  return control === "USER" && status !== "NEEDS_HELP";
}

export interface AgentModel {
  readonly name: string;
  /** The whole object, as it must be handed back. */
  readonly model: Readonly<Record<string, unknown>>;
}

export interface AgentMessage {
  readonly id: string;
  readonly role: "user" | "assistant";
  readonly blocks: readonly AgentBlock[];
}

/** A block of a message; what is of no known kind is left out. */
export type AgentBlock =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "tool_use";
      readonly id: string;
      readonly tool: string;
      readonly input: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "tool_result"; readonly toolUseId: string; readonly isError: boolean }
  /** `data` is base64, unchecked. */
  | { readonly kind: "image"; readonly data: string };

type Fields = Readonly<Record<string, unknown>>;

/** Ids of tasks and messages; a task's stands in paths of requests. */
const ID = /^[A-Za-z0-9_-]{1,128}$/;
/** Ids and names of tools come from a model. */
const MAX_NAME = 200;

/** undefined: it is no task. */
export function readTask(value: unknown): AgentTask | undefined {
  if (!isObject(value)) return undefined;
  const { id, description } = value;
  const status = AGENT_STATUSES.find((known) => known === value.status);
  if (typeof id !== "string" || !ID.test(id) || status === undefined) return undefined;
  // What does not say that the agent has the desktop leaves it to the person.
  const control = value.control === "ASSISTANT" ? "ASSISTANT" : "USER";
  return { id, status, control, description: typeof description === "string" ? description : "" };
}

/** `{tasks, total}` → the tasks of this page and how many there are; undefined: it is no such list. */
export function readTaskList(value: unknown): { tasks: AgentTask[]; total: number } | undefined {
  if (!isObject(value) || !Array.isArray(value.tasks)) return undefined;
  const tasks = value.tasks.map((item) => readTask(item)).filter((task) => task !== undefined);
  const { total } = value;
  if (tasks.length !== value.tasks.length || typeof total !== "number") return undefined;
  return { tasks, total: Math.max(total, tasks.length) };
}

export function readModels(value: unknown): AgentModel[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.flatMap((model: unknown) =>
    isObject(model) && typeof model.name === "string" ? [{ name: model.name, model }] : [],
  );
}

/** undefined: it is no list of messages. */
export function readMessages(value: unknown): AgentMessage[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.flatMap((message: unknown): AgentMessage[] => {
    if (!isObject(message)) return [];
    const { id, role, content } = message;
    if (typeof id !== "string" || !ID.test(id)) return [];
    const blocks = Array.isArray(content) ? content.flatMap((block) => readBlock(block)) : [];
    return [{ id, role: role === "ASSISTANT" ? "assistant" : "user", blocks }];
  });
}

const BLOCKS: Readonly<Record<string, (block: Fields) => AgentBlock[]>> = {
  text: ({ text }) => (typeof text === "string" ? [{ kind: "text", text }] : []),
  tool_use: ({ id, name, input }) =>
    typeof id === "string" && typeof name === "string"
      ? [{ kind: "tool_use", id: cut(id), tool: cut(name), input: isObject(input) ? input : {} }]
      : [],
  tool_result: ({ tool_use_id, is_error, content }) => [
    {
      kind: "tool_result",
      toolUseId: typeof tool_use_id === "string" ? cut(tool_use_id) : "",
      isError: is_error === true,
    },
    // Screenshots stand inside of results; the words there are the agent's own program's.
    ...(Array.isArray(content) ? content.flatMap((inner) => readImage(inner)) : []),
  ],
  image: readImage,
};

function readBlock(block: unknown): AgentBlock[] {
  if (!isObject(block) || typeof block.type !== "string") return [];
  const read = Object.hasOwn(BLOCKS, block.type) ? BLOCKS[block.type] : undefined;
  return read?.(block) ?? [];
}

function readImage(block: unknown): AgentBlock[] {
  if (!isObject(block) || block.type !== "image" || !isObject(block.source)) return [];
  const { data } = block.source;
  return typeof data === "string" ? [{ kind: "image", data }] : [];
}

function cut(name: string): string {
  return name.slice(0, MAX_NAME);
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
