import { describe, expect, test } from "vitest";
import { DESKTOP, TestGuard } from "../../test/support/guard/fixtures.ts";
import { GatewayError } from "../contract/errors.ts";
import type { DaemonRequest } from "../tasks/agent-guard.ts";

const SHOT = { action: "screenshot" };
const DOWN = { action: "press_keys", keys: ["Shift_L"], press: "down" };
const UP = { ...DOWN, press: "up" };

describe("an agent acts only for our live task", () => {
  test("before it has begun and after it has ended nothing happens", async () => {
    await using test = await TestGuard.open();
    expect(await test.act(SHOT)).toBe("dropped");
    const session = test.begin();
    expect(await test.act(SHOT)).toMatchObject({ status: 201 });
    session[Symbol.dispose]();
    expect(await test.act(SHOT)).toBe("dropped");
    expect(test.sent).toHaveLength(1);
    using again = test.begin();
    expect(await test.act(SHOT)).toMatchObject({ status: 201 });
    expect(again.requests).toBe(1);
  });

  test("a task of its own beside ours gets nothing", async () => {
    await using test = await TestGuard.open();
    using _session = test.begin();
    test.agentDenial = "The agent has another task besides.";
    expect(await test.act(SHOT)).toBe("dropped");
    test.agentDenial = undefined;
    expect(await test.act(SHOT)).toMatchObject({ status: 201 });
    expect(test.audit()[0]).toMatchObject({ reason: "The agent has another task besides." });
  });

  test("while paused it waits for its answer, and afterwards it goes on", async () => {
    await using test = await TestGuard.open();
    using session = test.begin();
    session.pause();
    const answers = [test.act(SHOT), test.act(SHOT)];
    await expect.poll(() => session.requests).toBe(2);
    expect([test.sent, test.records]).toEqual([[], []]);
    session.resume();
    for (const answer of answers) expect(await answer).toMatchObject({ status: 201 });
    expect(test.sent).toHaveLength(2);
  });

  test("paused while it is asked what it works on, it waits and is asked anew", async () => {
    await using test = await TestGuard.open();
    const asked = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<undefined>();
    let times = 0;
    const findAgentDenial = async () => {
      times += 1;
      asked.resolve();
      return times === 1 ? await answered.promise : undefined;
    };
    using session = test.guard.begin({ ...test.run({}, DESKTOP), findAgentDenial });
    const answer = test.act(SHOT);
    await asked.promise;
    session.pause();
    answered.resolve(undefined);
    const second = test.act(SHOT);
    await expect.poll(() => session.requests).toBe(2);
    expect(test.sent).toEqual([]);
    session.resume();
    for (const one of [answer, second]) expect(await one).toMatchObject({ status: 201 });
    expect(times).toBe(3);
  });

  test("what is held when the agent gives up, the task ends or the session does is not done", async () => {
    await using test = await TestGuard.open();
    const session = test.begin();
    session.pause();
    const caller = new AbortController();
    const given = test.act(SHOT, { signal: caller.signal });
    await expect.poll(() => session.requests).toBe(1);
    caller.abort();
    expect(await given).toBe("dropped");
    const ended = test.act(SHOT);
    await expect.poll(() => session.requests).toBe(2);
    session[Symbol.dispose]();
    expect(await ended).toBe("dropped");
    session.resume();
    using other = test.begin();
    other.pause();
    const cancelled = test.act(SHOT);
    await expect.poll(() => other.requests).toBe(1);
    test.task.abort();
    expect(await cancelled).toBe("dropped");
    expect(test.sent).toEqual([]);
  });

  test("after a stop or a cancel nothing happens", async () => {
    await using test = await TestGuard.open();
    using _session = test.begin();
    test.task.abort();
    expect(await test.act(SHOT)).toBe("dropped");
    expect(test.sent).toEqual([]);
  });

  test("a pause while the intent is recorded still counts", async () => {
    await using test = await TestGuard.open();
    using session = test.begin();
    test.record = async ({ audit }) => {
      if (audit?.type === "agent.action") session.pause();
    };
    expect(await test.act(SHOT)).toBe("dropped");
    expect(test.sent).toEqual([]);
    expect(test.audit().at(-1)).toMatchObject({ number: 1, outcome: "not_sent" });
  });

  test("a desktop is watched once", async () => {
    await using test = await TestGuard.open();
    using _session = test.begin();
    using _other = test.begin({}, "other");
    expect(() => test.begin()).toThrow(expect.objectContaining({ code: "desktop_unavailable" }));
  });
});

/** A daemon that answers only when it is told to. */
function slowDaemon(test: TestGuard) {
  const waiting: { request: DaemonRequest; answer: () => void }[] = [];
  const arrivals: (() => void)[] = [];
  test.daemon = (request, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number }>();
    waiting.push({ request, answer: () => resolve({ status: 201 }) });
    signal.addEventListener("abort", () => reject(signal.reason));
    arrivals.shift()?.();
    return promise;
  };
  return {
    waiting,
    arrived: () => new Promise<void>((resolve) => arrivals.push(resolve)),
  };
}

describe("one at a time", () => {
  test("quirk 9: the second request waits until the daemon has answered the first", async () => {
    await using test = await TestGuard.open();
    using _session = test.begin();
    const daemon = slowDaemon(test);
    const first = daemon.arrived();
    const answers = [test.act(SHOT), test.act(SHOT)];
    await first;
    expect(daemon.waiting).toHaveLength(1);
    const second = daemon.arrived();
    daemon.waiting[0]?.answer();
    await second;
    daemon.waiting[1]?.answer();
    expect(await Promise.all(answers)).toEqual([{ status: 201 }, { status: 201 }]);
    const numbers = test.audit().map(({ number }) => number);
    expect(numbers).toEqual([1, 1, 2, 2]);
  });

  test("a crowd of requests is not kept waiting", async () => {
    await using test = await TestGuard.open();
    using session = test.begin();
    const daemon = slowDaemon(test);
    const answers = Array.from({ length: 30 }, () => test.act(SHOT));
    const dropped = Promise.all(answers.map((answer) => answer.then((a) => a === "dropped")));
    test.task.signal.addEventListener("abort", () => session[Symbol.dispose]());
    await Promise.race(answers);
    test.task.abort();
    expect((await dropped).every(Boolean)).toBe(true);
    expect(daemon.waiting.length).toBeLessThanOrEqual(1);
  });
});

describe("an end in the middle", () => {
  test("an abort drops the agent at once and carries out nothing that waited", async () => {
    await using test = await TestGuard.open();
    using _session = test.begin();
    const daemon = slowDaemon(test);
    const arrived = daemon.arrived();
    const answers = [test.act(SHOT), test.act(SHOT)];
    await arrived;
    test.task.abort();
    expect(await Promise.all(answers)).toEqual(["dropped", "dropped"]);
    expect(test.sent).toHaveLength(1);
  });

  test("an agent that hangs up before its turn gets nothing done", async () => {
    await using test = await TestGuard.open();
    using session = test.begin();
    const daemon = slowDaemon(test);
    const arrived = daemon.arrived();
    const first = test.act(SHOT);
    await arrived;
    const hangUp = new AbortController();
    const second = test.act(SHOT, { signal: hangUp.signal });
    await expect.poll(() => session.requests).toBe(2);
    hangUp.abort();
    expect(await second).toBe("dropped");
    // Its end is seen by the server once another request has gone through the loop.
    await fetch(`${test.guard.url}/`);
    daemon.waiting[0]?.answer();
    expect(await first).toEqual({ status: 201 });
    session[Symbol.dispose]();
    await test.guard[Symbol.asyncDispose]();
    expect(test.sent).toHaveLength(1);
    expect(test.audit().map(({ number }) => number)).toEqual([1, 1]);
  });
});

describe("quirk 7: nothing stays held", () => {
  test("keys and buttons that are down at the end are let go", async () => {
    await using test = await TestGuard.open();
    const session = test.begin();
    await test.act(DOWN);
    await test.act({ action: "press_mouse", button: "right", press: "down" });
    await test.act({ action: "press_keys", keys: ["a"], press: "down" });
    await test.act({ action: "press_keys", keys: ["a"], press: "up" });
    const before = test.sent.length;
    session[Symbol.dispose]();
    await test.guard[Symbol.asyncDispose]();
    expect(test.sent.slice(before)).toEqual([
      { action: "press_mouse", button: "right", press: "up" },
      UP,
    ]);
  });

  test("also where the key was on its way down when the task was stopped", async () => {
    await using test = await TestGuard.open();
    const session = test.begin();
    const daemon = slowDaemon(test);
    const arrived = daemon.arrived();
    const answer = test.act(DOWN);
    await arrived;
    test.task.abort();
    session[Symbol.dispose]();
    expect(await answer).toBe("dropped");
    expect(test.sent).toEqual([DOWN, UP]);
    daemon.waiting[1]?.answer();
  });

  test.each([
    ["said so", () => ({ status: 500 })],
    ["broke off", () => Promise.reject(new GatewayError("outcome_unknown", "It broke off."))],
  ])(
    "what an action that failed (it %s) may have left down is let go at once",
    async (_how, fail) => {
      await using test = await TestGuard.open();
      using _session = test.begin();
      test.daemon = ({ action }) => (action === "click_mouse" ? fail() : undefined);
      const click = { action: "click_mouse", button: "left", clickCount: 1, holdKeys: ["Shift_L"] };
      expect(await test.act(click)).toBe("dropped");
      expect(test.sent.slice(1)).toEqual([
        { action: "press_mouse", button: "left", press: "up" },
        UP,
      ]);
    },
  );
});

describe("a failure is never told as done", () => {
  test.each([400, 413, 500, 502])(
    "an answer of %i from the daemon drops the agent",
    async (status) => {
      await using test = await TestGuard.open();
      using _session = test.begin();
      test.daemon = () => ({ status, body: { message: "no" } });
      expect(await test.act(SHOT)).toBe("dropped");
      expect(test.audit().at(-1)).toMatchObject({ outcome: "bytebot_error" });
    },
  );

  test("so does one nobody can tell about", async () => {
    await using test = await TestGuard.open();
    using _session = test.begin();
    test.daemon = () => Promise.reject(new GatewayError("outcome_unknown", "The line broke."));
    expect(await test.act(SHOT)).toBe("dropped");
    expect(test.audit().at(-1)).toMatchObject({ outcome: "outcome_unknown" });
  });

  test("and one that cannot be verified", async () => {
    await using test = await TestGuard.open();
    const run = test.run({}, DESKTOP);
    const findAgentDenial = () => Promise.reject(new Error("connect ECONNREFUSED 10.0.0.7:9991"));
    using _session = test.guard.begin({ ...run, findAgentDenial });
    expect(await test.act(SHOT)).toBe("dropped");
    expect(test.sent).toEqual([]);
    expect(JSON.stringify(test.records)).not.toContain("10.0.0.7");
  });
});

describe("I6 without a record there is no action", () => {
  const full = new GatewayError("audit_unavailable", "The disk is full.");

  test("where the intent cannot be recorded nothing is sent", async () => {
    await using test = await TestGuard.open();
    using _session = test.begin();
    test.record = () => Promise.reject(full);
    expect(await test.act(SHOT)).toBe("dropped");
    expect(test.sent).toEqual([]);
  });

  test("where the outcome cannot be, nothing follows it", async () => {
    await using test = await TestGuard.open();
    using _session = test.begin();
    test.record = async ({ audit }) => {
      if (audit?.type === "agent.action_finished") throw full;
    };
    await test.act(SHOT);
    test.record = async () => undefined;
    expect(await test.act(SHOT)).toBe("dropped");
    expect(test.sent).toHaveLength(1);
  });
});

describe("I10 an agent that does not stop", () => {
  const wrong = { action: "application", application: "thunderbird" };

  test("after 20 denials nothing is carried out any more, and the last says so", async () => {
    await using test = await TestGuard.open();
    using session = test.begin();
    for (let index = 0; index < 20; index += 1) {
      test.nowMs += 1000;
      expect(await test.act(wrong)).toBe("dropped");
    }
    expect(test.messages().at(-1)).toContain("20 times: nothing more of it is carried out");
    expect(await test.act(SHOT)).toBe("dropped");
    expect(test.sent).toEqual([]);
    expect(session.requests).toBe(21);
    expect(test.audit()).toHaveLength(20);
  });

  test("of a flood only some are recorded, with the number of the others", async () => {
    await using test = await TestGuard.open();
    const session = test.begin();
    test.agentDenial = "a person has the desktop";
    for (let index = 0; index < 100; index += 1) await test.act(SHOT);
    expect(test.records).toHaveLength(10);
    test.nowMs += 1000;
    await test.act(SHOT);
    expect(test.audit().at(-1)).toMatchObject({
      type: "agent.denied",
      request: 101,
      unrecorded: 90,
    });
    await test.act(SHOT);
    session[Symbol.dispose]();
    await test.guard[Symbol.asyncDispose]();
    expect(test.audit().at(-1)).toEqual({ type: "agent.denied", unrecorded: 1 });
    expect(test.records).toHaveLength(12);
  });
});
