import { SdkError, SdkErrorCode, type ServerContext } from "@modelcontextprotocol/server";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { principalOf } from "../../test/support/tasks/fixtures.ts";
import { CallRun, type ToolCallDeps } from "./call-run.ts";

const TASK = "task_aaaaaaaaaaaaaaaaaaaaaa";
const CALLER = principalOf("chat", "plan", "execute", "read");
const LOST = new SdkError(SdkErrorCode.ConnectionClosed, "lost");

/** A call whose client gives it up for `reason` while it is planned; what was done. */
async function giveUp(
  era: "legacy" | "modern",
  reason: unknown,
  { isClosing = false, isDeleted = false } = {},
) {
  const done: string[] = [];
  const call = new AbortController();
  const deps = {
    log: pino({ enabled: false }),
    era,
    canAsk: () => false,
    isClosing: () => isClosing,
    isDeleted: () => isDeleted,
    findPrincipal: () => CALLER,
    tasks: { cancel: async (_: unknown, id: string) => done.push(`cancel ${id}`) },
    runner: {
      call: async (
        _principal: unknown,
        _name: string,
        _args: unknown,
        { onPlanned }: { onPlanned: (plan: { task_id: string }) => void },
      ) => {
        call.abort(reason);
        onPlanned({ task_id: TASK });
        done.push("start");
      },
    },
  } as unknown as ToolCallDeps;
  const ctx = { mcpReq: { signal: call.signal } } as unknown as ServerContext;
  const run = new CallRun(deps, { principal: CALLER }, ctx, undefined);
  const error = await run.begin("wait", {}).catch((error: unknown) => error);
  await run.end();
  return { done, error };
}

describe("a call that its client gives up while it is planned", () => {
  test.each([
    ["legacy", "cancelled"],
    ["modern", "cancelled"],
    ["modern", LOST],
  ] as const)("does not start, and its plan is cancelled (%s, %s)", async (era, reason) => {
    const { done, error } = await giveUp(era, reason);
    expect(done).toEqual([`cancel ${TASK}`]);
    expect(error).toMatchObject({ code: "task_cancelled" });
  });

  test("goes on where only the connection was lost, up to 2025-11-25", async () => {
    expect(await giveUp("legacy", LOST)).toEqual({ done: ["start"], error: undefined });
  });

  test("is cancelled where the client ends its session", async () => {
    const { done, error } = await giveUp("legacy", LOST, { isDeleted: true });
    expect(done).toEqual([`cancel ${TASK}`]);
    expect(error).toMatchObject({ code: "task_cancelled" });
  });

  test.each(["legacy", "modern"] as const)("goes on where the gateway closes (%s)", async (era) => {
    expect(await giveUp(era, LOST, { isClosing: true })).toEqual({
      done: ["start"],
      error: undefined,
    });
  });
});
