import { expect, test } from "vitest";
import { failure, ioOf } from "../../../test/support/drivers/step/fixtures.ts";
import { GatewayError } from "../../contract/errors.ts";
import { wait } from "./wait.ts";

test("waits, saying how much has passed", async () => {
  const io = ioOf();
  expect(await wait({ duration_ms: 1001 }, io)).toEqual({});
  expect(io.messages).toEqual(["Waited 1000 of 1001 ms"]);
  expect(await wait({ duration_ms: 0 }, io)).toEqual({});
});

test.each([
  [undefined, "task_cancelled"],
  [new DOMException("", "TimeoutError"), "timeout"],
  [new GatewayError("stopped", "the gateway was stopped"), "stopped"],
])("ends when it is aborted with %s", async (reason, code) => {
  const stop = new AbortController();
  const waiting = wait({ duration_ms: 60_000 }, ioOf({ signal: stop.signal }));
  stop.abort(reason);
  await expect(waiting).rejects.toMatchObject(failure(code));
});

test("refuses what is no duration", async () => {
  await expect(wait({ duration_ms: -1 }, ioOf())).rejects.toMatchObject(failure("invalid_request"));
  await expect(wait({ duration_ms: "1" }, ioOf())).rejects.toMatchObject(
    failure("invalid_request"),
  );
});
