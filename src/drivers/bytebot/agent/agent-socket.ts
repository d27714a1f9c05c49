export interface TaskWatch extends Disposable {
  /** Changes are heard of; else only whoever asks learns of them. */
  readonly isConnected: boolean;
}

/** ms between two tries to connect again, at most. */
const MAX_PAUSE_MS = 5000;
const EVENTS = ["task_updated", "new_message", "task_deleted", "disconnect"];

/**
 * Hears over socket.io that something about a task has changed. What it was is asked for by REST, so
 * a lost or lying socket loses nothing and adds nothing.
 */
export async function watchTask(
  url: string,
  taskId: string,
  onChange: () => void,
): Promise<TaskWatch> {
  // Loaded when it is first needed: most runs of the program follow no agent.
  const { io } = await import("socket.io-client");
  const { origin, pathname } = new URL(url);
  const socket = io(origin, {
    path: `${pathname.replace(/\/+$/, "")}/socket.io/`,
    // REST is the fallback; long polling would be a third way to say the same.
    transports: ["websocket"],
    forceNew: true,
    reconnectionDelayMax: MAX_PAUSE_MS,
  });
  socket.on("connect", () => {
    socket.emit("join_task", taskId);
    onChange();
  });
  for (const event of EVENTS) socket.on(event, onChange);
  return {
    get isConnected() {
      return socket.connected;
    },
    [Symbol.dispose]() {
      socket.off();
      // Leaves the task's room too.
      socket.disconnect();
    },
  };
}
