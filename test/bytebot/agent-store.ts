import { randomUUID } from "node:crypto";
import {
  type AgentFile,
  type AgentMessage,
  type AgentTask,
  type Block,
  PRIORITIES,
  type Priority,
  type Role,
} from "./agent-types.ts";
import { type Fields, isFields } from "./request-body.ts";

/** What the socket tells: to everyone, or to those who joined the task. */
export interface AgentNews {
  taskCreated(task: AgentTask): void;
  taskUpdated(task: AgentTask): void;
  taskDeleted(id: string): void;
  newMessage(message: AgentMessage): void;
}

/** The agent's tasks, files and messages, in memory. */
export class AgentStore {
  readonly tasks: AgentTask[] = [];
  readonly messages: AgentMessage[] = [];
  readonly #files: AgentFile[] = [];
  readonly #news: AgentNews;

  constructor(news: AgentNews) {
    this.#news = news;
  }

  find(id: string): AgentTask | undefined {
    return this.tasks.find((task) => task.id === id);
  }

  /** Checks as little as ByteBot does: throws without a description or a model. */
  create(fields: Fields, createdBy: Role = "USER"): AgentTask {
    const { description, model } = fields;
    if (typeof description !== "string" || model === undefined) throw new Error("Prisma: invalid");
    const now = new Date().toISOString();
    const task: AgentTask = {
      id: randomUUID(),
      description,
      type: fields.type === "SCHEDULED" ? "SCHEDULED" : "IMMEDIATE",
      status: "PENDING",
      priority: priorityOf(fields.priority),
      control: "ASSISTANT",
      createdBy,
      createdAt: now,
      updatedAt: now,
      scheduledFor: typeof fields.scheduledFor === "string" ? fields.scheduledFor : null,
      executedAt: null,
      completedAt: null,
      queuedAt: null,
      error: null,
      result: null,
      model,
    };
    this.tasks.push(task);
    this.#addFiles(task.id, Array.isArray(fields.files) ? fields.files : []);
    this.#news.taskCreated(task);
    this.say(task.id, "USER", [{ type: "text", text: this.#firstMessage(task) }]);
    return task;
  }

  update(task: AgentTask, change: Partial<AgentTask>): AgentTask {
    Object.assign(task, change, { updatedAt: new Date().toISOString() });
    this.#news.taskUpdated(task);
    return task;
  }

  delete(task: AgentTask): void {
    this.tasks.splice(this.tasks.indexOf(task), 1);
    this.#news.taskDeleted(task.id);
  }

  say(taskId: string, role: Role, content: readonly Block[]): AgentMessage {
    const now = new Date().toISOString();
    const message = { id: randomUUID(), taskId, role, content, createdAt: now, updatedAt: now };
    this.messages.push(message);
    this.#news.newMessage(message);
    return message;
  }

  /** In the order they were said. */
  messagesOf(taskId: string): AgentMessage[] {
    return this.messages.filter((message) => message.taskId === taskId);
  }

  filesOf(taskId: string): AgentFile[] {
    return this.#files.filter((file) => file.taskId === taskId);
  }

  /** A blank, and where there are files two line feeds before the first, are the original's. */
  #firstMessage({ id, description }: AgentTask): string {
    const lines = this.filesOf(id).map(({ name }) => `\nFile ${name} written to desktop.`);
    return `${description} ${lines.length > 0 ? "\n" : ""}${lines.join("")}`;
  }

  #addFiles(taskId: string, files: readonly unknown[]): void {
    for (const file of files) {
      if (!isFields(file)) throw new Error("Prisma: invalid");
      this.#files.push({
        id: randomUUID(),
        taskId,
        name: String(file.name),
        type: String(file.type),
        size: Number(file.size),
        data: String(file.base64).replace(/^data:.*?;base64,/, ""),
      });
    }
  }
}

function priorityOf(value: unknown): Priority {
  if (value === undefined) return "MEDIUM";
  const found = PRIORITIES.find((priority) => priority === value);
  if (found === undefined) throw new Error("Prisma: invalid");
  return found;
}
