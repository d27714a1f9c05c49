import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DesktopList } from "../../src/contract/desktop.ts";
import { GuardedAgent } from "../guard/guarded-agent.ts";
import { type Answer, call } from "../support/call.ts";
import { execute, plan, task } from "../support/flow.ts";
import { firstOperator, type Person } from "../support/people.ts";

const takeover = "/desktops/bytebot/takeover";
const CLICK = { action: "click_mouse", button: "left", clickCount: 1, coordinates: { x: 1, y: 1 } };
const MOVE = { action: "mouse.move", parameters: { coordinates: { x: 7, y: 8 } } };

/** A person takes over the desktop of an agent that is at work there. */
describe("the desktop of an agent", () => {
  let bytebot: GuardedAgent;
  let olga: Person;
  beforeAll(async () => {
    bytebot = await GuardedAgent.start();
    olga = await firstOperator(bytebot.gateway);
  });
  afterAll(() => bytebot?.[Symbol.asyncDispose]());

  const codeOf = ({ status, body }: Answer) => [status, (body as { code?: string }).code];
  const take = () => olga.call("POST", takeover, { minutes: 5 });
  /** An agent that is at work, and has seen the desktop. */
  const begin = async () => {
    const started = await bytebot.begin([{ await: new Promise(() => undefined) }]);
    await bytebot.agent.act({ action: "screenshot" });
    return started;
  };

  test("is taken over once the agent has given it up, and it gets it back after that", async () => {
    const started = await begin();
    expect(codeOf(await take())).toEqual([409, "state_changed"]);
    expect((await olga.call("POST", `/tasks/${started.id}/takeover`)).status).toBe(200);
    expect((await take()).status).toBe(200);
    const { body } = await olga.call<DesktopList>("GET", "/desktops");
    expect(body.desktops[0]).toMatchObject({ busy_with: started.id, lease: { mine: true } });
    expect((await olga.call("POST", "/desktops/bytebot/input", MOVE)).status).toBe(200);
    expect(bytebot.daemon.pointer).toEqual({ x: 7, y: 8 });
    const clicked = bytebot.agent.act(CLICK);

    const early = await olga.call("POST", `/tasks/${started.id}/resume`);
    expect(codeOf(early)).toEqual([409, "state_changed"]);
    expect(bytebot.daemon.requestsFor("click_mouse")).toEqual([]);
    await olga.call("DELETE", takeover);
    expect((await olga.call("POST", `/tasks/${started.id}/resume`)).status).toBe(200);
    await expect(clicked).resolves.toMatchObject({ status: 201 });
    expect(bytebot.daemon.requestsFor("click_mouse")).toHaveLength(1);
    await expect(bytebot.agent.act({ action: "screenshot" })).resolves.toMatchObject({
      status: 201,
    });
    expect(codeOf(await take())).toEqual([409, "state_changed"]);
    await olga.call("POST", `/tasks/${started.id}/cancel`);
    await started.finished();
  });

  test("stays the person's when the task ends meanwhile; whoever waits comes after", async () => {
    const { gateway, daemon } = bytebot;
    const started = await begin();
    await olga.call("POST", `/tasks/${started.id}/takeover`);
    await take();
    const before = daemon.requestsFor("screenshot").length;
    const planned = await plan(gateway, "screen.capture", {});
    await call(gateway, "POST", "/execute", { task_id: planned.task_id });
    await olga.call("POST", `/tasks/${started.id}/cancel`);
    await started.finished();
    const { body } = await olga.call<DesktopList>("GET", "/desktops");
    expect(body.desktops[0]?.lease?.mine).toBe(true);
    expect(body.desktops[0]?.busy_with).toBeUndefined();
    expect((await task(gateway, planned.task_id)).status).toBe("queued");
    expect(daemon.requestsFor("screenshot").length).toBe(before);
    expect((await olga.call("POST", "/desktops/bytebot/input", MOVE)).status).toBe(200);
    await olga.call("DELETE", takeover);
    await execute(gateway, planned.task_id);
    expect((await task(gateway, planned.task_id)).status).toBe("completed");
  });
});
