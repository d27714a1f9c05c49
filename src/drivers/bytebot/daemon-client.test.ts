import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { expect, test } from "vitest";
import { failure } from "../../../test/support/drivers/step/fixtures.ts";
import { DaemonClient } from "./daemon-client.ts";

const never = new AbortController().signal;
const OPTIONS = { apiKey: undefined, requestTimeoutMs: 5000, retryAttempts: 5, retryPauseMs: 1 };

test("an action has a connection of its own, which nobody is about to close", async () => {
  const seen = new WeakSet<Socket>();
  const server = createServer(({ socket }, response) => {
    if (seen.has(socket)) socket.resetAndDestroy();
    else response.writeHead(201).end();
    seen.add(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  {
    await using client = new DaemonClient({ ...OPTIONS, url: `http://127.0.0.1:${port}` });
    for (let round = 0; round < 3; round++) {
      await client.send({ action: "cursor_position" }, never);
      expect(await client.send({ action: "move_mouse" }, never)).toEqual({ status: 201 });
    }
  }
  server.close();
});

test("waiting for another try ends with the task", async () => {
  const stop = new AbortController();
  const options = { ...OPTIONS, retryPauseMs: 60_000, url: "http://127.0.0.1:1" };
  await using client = new DaemonClient(options);
  const sending = client.send({ action: "move_mouse" }, stop.signal);
  setTimeout(() => stop.abort(), 20);
  await expect(sending).rejects.toMatchObject(failure("task_cancelled"));
});

test("once closed it sends nothing", async () => {
  const client = new DaemonClient({ ...OPTIONS, url: "http://127.0.0.1:1" });
  await client[Symbol.asyncDispose]();
  await expect(client.send({ action: "move_mouse" }, never)).rejects.toMatchObject(
    failure("bytebot_unavailable"),
  );
});
