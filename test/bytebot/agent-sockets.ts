import type { Server as HttpServer } from "node:http";
import { Server } from "socket.io";
import type { AgentNews } from "./agent-store.ts";
import type { AgentMessage, AgentTask } from "./agent-types.ts";

/** The agent's socket.io: a room for each task, new and deleted tasks to everyone. */
export class AgentSockets implements AgentNews, Disposable {
  readonly #io: Server;
  readonly #changed: () => void;
  #up = true;

  constructor(server: HttpServer, changed: () => void) {
    this.#changed = changed;
    this.#io = new Server(server, {
      cors: { origin: "*" },
      allowRequest: (_request, decide) => decide(null, this.#up),
    });
    this.#io.on("connection", (socket) => {
      socket.on("join_task", (id) => {
        socket.join(`task_${id}`);
        changed();
      });
      socket.on("leave_task", (id) => {
        socket.leave(`task_${id}`);
        changed();
      });
    });
  }

  /** How many sockets are in a task's room. */
  listeners(taskId: string): number {
    return this.#io.sockets.adapter.rooms.get(`task_${taskId}`)?.size ?? 0;
  }

  /** Breaks what is connected and refuses what comes, until `start`. */
  stop(): void {
    this.#up = false;
    this.#io.disconnectSockets(true);
  }

  start(): void {
    this.#up = true;
  }

  taskCreated(task: AgentTask): void {
    this.#tell("task_created", task);
  }

  taskUpdated(task: AgentTask): void {
    this.#tell("task_updated", task, task.id);
  }

  taskDeleted(id: string): void {
    this.#tell("task_deleted", id);
  }

  newMessage(message: AgentMessage): void {
    this.#tell("new_message", message, message.taskId);
  }

  [Symbol.dispose](): void {
    this.stop();
    this.#io.engine.close();
  }

  #tell(event: string, content: unknown, taskId?: string): void {
    (taskId === undefined ? this.#io : this.#io.to(`task_${taskId}`)).emit(event, content);
    this.#changed();
  }
}
