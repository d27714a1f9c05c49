import { expect, it } from "vitest";
import { TestGuard } from "../../test/support/guard/fixtures.ts";
import { GatewayError } from "../contract/errors.ts";

const CLICK = { action: "click_mouse", button: "left", clickCount: 1, coordinates: { x: 1, y: 1 } };

it("I16 nothing is carried out any more once an approval or the policy has lapsed", async () => {
  await using test = await TestGuard.open();
  using _session = test.begin();
  expect(await test.act(CLICK)).toMatchObject({ status: 201 });
  test.denial = new GatewayError(
    "task_cancelled",
    "Key approver is no longer valid for this task.",
  );
  expect(await test.act(CLICK)).toBe("dropped");
  expect(test.sent).toHaveLength(1);
  expect(test.audit().at(-1)).toMatchObject({ type: "agent.denied", code: "task_cancelled" });
  test.denial = undefined;
  expect(await test.act(CLICK)).toMatchObject({ status: 201 });
});

it("I5 an action that is cut off in the middle counts as one whose outcome nobody knows", async () => {
  await using test = await TestGuard.open();
  using _session = test.begin();
  const sent = Promise.withResolvers<void>();
  test.daemon = (request, signal) => {
    // What lets go of keys afterwards is answered as usual.
    if (request.action !== CLICK.action) return undefined;
    return new Promise((_, reject) => {
      sent.resolve();
      signal.addEventListener("abort", () =>
        reject(new GatewayError("task_cancelled", "the action was stopped")),
      );
    });
  };
  const acted = test.act(CLICK);
  await sent.promise;
  test.task.abort();
  expect(await acted).toBe("dropped");
  expect(test.audit()).toContainEqual(
    expect.objectContaining({ type: "agent.action_finished", outcome: "outcome_unknown" }),
  );
});
