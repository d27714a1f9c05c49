import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** Megabytes of the heap that are alive: V8 collects what it can first, asked through its inspector. */
export async function measureLiveHeap(
  child: ChildProcess,
  inspector: Promise<string>,
): Promise<number> {
  child.kill("SIGUSR1");
  const socket = new WebSocket(await inspector);
  await once(socket, "open");
  let id = 0;
  const send = async (method: string, params: object = {}): Promise<Result> => {
    id += 1;
    const sent = id;
    socket.send(JSON.stringify({ id: sent, method, params }));
    for (;;) {
      const [message] = (await once(socket, "message")) as [{ readonly data: string }];
      const answer = JSON.parse(message.data) as { id?: number; result: Result };
      if (answer.id === sent) return answer.result;
    }
  };
  await send("HeapProfiler.enable");
  await send("HeapProfiler.collectGarbage");
  const { usedSize = Number.NaN } = await send("Runtime.getHeapUsage");
  socket.close();
  return usedSize / 1024 / 1024;
}

interface Result {
  readonly usedSize?: number;
}
