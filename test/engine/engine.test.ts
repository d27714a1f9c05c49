import { describe, expect, it } from "vitest";
import { GatewayError } from "../../src/contract/errors.ts";
import type { StepIo } from "../../src/tasks/driver.ts";
import type { Instruction } from "../../src/tasks/execute/instruction.ts";
import { createFakeDriver } from "../support/tasks/fixtures.ts";
import { APPROVER, REQUESTER, startEngine } from "./engine.ts";

const NEVER = new AbortController().signal;
const WAIT = { waitMs: 10_000, signal: NEVER };
const CLICK = { action: "mouse.click", parameters: { coordinates: { x: 10, y: 20 } } };
const TASK = { action: "agent.task", parameters: { description: "Sort the mail" } };

describe("the picture of a plan", () => {
  const picture = {
    png: Buffer.from("a picture"),
    width: 64,
    height: 48,
    targets: [{ x: 10, y: 20 }],
  };
  const driver = createFakeDriver({
    inspect: async () => ({ bound: { "screen:10,20": "x" }, riskFactors: [], picture }),
  });

  it("I12 is for approvers where a person guards what the screen shows", async () => {
    await using service = await startEngine({
      driver,
      capabilities: { "screen.capture": { enabled: true, confirmation: "approver" } },
    });
    const plan = await service.engine.plan(REQUESTER, CLICK);
    expect(plan.steps[0]?.preview).toBeUndefined();
    const seen = await service.engine.get(APPROVER, plan.task_id);
    const preview = seen.steps[0]?.preview;
    if (preview?.kind !== "screenshot") throw new Error("no screenshot");
    expect(preview).toMatchObject({ width: 64, height: 48, targets: picture.targets });
    const artifact = await service.artifacts.find(preview.artifact_id);
    expect(artifact).toMatchObject({ owner: null, purpose: "preview", media_type: "image/png" });
    expect(seen.artifacts).toEqual([]);
  });

  it("is the requester's too where it may take screenshots by itself", async () => {
    await using service = await startEngine({ driver });
    const plan = await service.engine.plan(REQUESTER, CLICK);
    const preview = plan.steps[0]?.preview;
    if (preview?.kind !== "screenshot") throw new Error("no screenshot");
    expect(preview.url).toBe(`/artifacts/${preview.artifact_id}`);
    expect(await service.artifacts.find(preview.artifact_id)).toMatchObject({ owner: "default" });
    await service.engine.execute(REQUESTER, { task_id: plan.task_id }, WAIT);
    // It shows the plan and is no product of the task.
    expect((await service.engine.get(REQUESTER, plan.task_id)).artifacts).toEqual([]);
  });

  it("is asked for only while no earlier step changes the screen", async () => {
    const settled: boolean[] = [];
    const looking = createFakeDriver({
      inspect: async (_action, _parameters, look) => {
        settled.push(look.isScreenSettled);
        return { bound: {}, riskFactors: [] };
      },
    });
    await using service = await startEngine({ driver: looking });
    const steps = [{ action: "screen.capture" }, CLICK, CLICK];
    await service.engine.plan(REQUESTER, { steps });
    expect(settled).toEqual([true, true, false]);
  });
});

describe("what cannot be shown", () => {
  const picture = { png: Buffer.from("p"), width: 4, height: 4, targets: [{ x: 1, y: 1 }] };
  const driver = createFakeDriver({
    inspect: async () => ({ bound: {}, riskFactors: [], picture }),
  });
  const byPerson = { "mouse.click": { enabled: true, confirmation: "approver" } } as const;
  const approve = (plan: { task_id: string; plan_digest: string }) => ({
    task_id: plan.task_id,
    plan_digest: plan.plan_digest,
    decision: "approve" as const,
  });

  it("I8 cannot be approved: a picture that is no longer kept", async () => {
    await using service = await startEngine({ driver, capabilities: byPerson });
    const plan = await service.engine.plan(REQUESTER, CLICK);
    const [step] = (await service.engine.get(APPROVER, plan.task_id)).steps;
    if (step?.preview?.kind !== "screenshot") throw new Error("no screenshot");
    const kept = await service.artifacts.find(step.preview.artifact_id);
    if (kept === undefined) throw new Error("no picture");
    // Another of the same key takes its room.
    const other = { ...kept, id: `artifact_${"o".repeat(22)}`, size: 2 };
    await service.store.artifacts.insert(other, 2);
    await expect(service.engine.confirm(APPROVER, approve(plan))).rejects.toMatchObject({
      code: "state_changed",
    });
    const still = await service.engine.get(APPROVER, plan.task_id);
    expect(still.status).toBe("planned");
    const again = await service.engine.plan(REQUESTER, CLICK);
    expect(await service.engine.confirm(APPROVER, approve(again))).toMatchObject({
      status: "ready",
    });
  });

  it("makes a step riskier: what acts on a screen that earlier steps change", async () => {
    await using service = await startEngine({ driver });
    const open = { action: "app.open", parameters: { application: "x" } };
    const move = { action: "mouse.move", parameters: { coordinates: { x: 1, y: 1 } } };
    const seen = await service.engine.plan(REQUESTER, { steps: [move, CLICK] });
    expect(seen.steps[1]).toMatchObject({ risk: "medium", preview: { kind: "screenshot" } });
    const rules = { "app.open": { enabled: true, allowed_apps: ["x"] } };
    await using other = await startEngine({ driver, capabilities: rules });
    const unseen = await other.engine.plan(REQUESTER, { steps: [open, CLICK] });
    expect(unseen.steps[1]).toMatchObject({
      risk: "high",
      reasons: expect.arrayContaining([expect.stringContaining("neither shown nor checked")]),
    });
  });
});

describe("looking at a screen", () => {
  it("I13 takes few places of each key, so that none keeps the others from it", async () => {
    const looks = Promise.withResolvers<void>();
    const driver = createFakeDriver({
      inspect: async () => {
        await looks.promise;
        return { bound: {}, riskFactors: [] };
      },
    });
    await using service = await startEngine({ driver });
    const plans = Array.from({ length: 6 }, () => service.engine.plan(REQUESTER, CLICK));
    const refused = await Promise.race(plans.map((plan) => plan.catch((error: unknown) => error)));
    expect(refused).toMatchObject({ code: "rate_limited", extras: { retry_after: 1 } });
    looks.resolve();
    const settled = await Promise.allSettled(plans);
    expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(4);
    await service.engine.plan(REQUESTER, CLICK);
  });

  it("ends with nothing planned where everything was stopped meanwhile", async () => {
    const looks = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const driver = createFakeDriver({
      inspect: async () => {
        started.resolve();
        await looks.promise;
        return { bound: {}, riskFactors: [] };
      },
    });
    await using service = await startEngine({ driver });
    const plan = service.engine.plan(REQUESTER, CLICK);
    plan.catch(() => {});
    await started.promise;
    await service.engine.stop(APPROVER, undefined);
    looks.resolve();
    await expect(plan).rejects.toMatchObject({ code: "stopped" });
    expect((await service.engine.list(APPROVER, {})).tasks).toEqual([]);
  });
});

describe("an approver whose key names desktops", () => {
  it("decides on and instructs those alone", async () => {
    const talking = createTalkingDriver();
    await using service = await startEngine({ driver: talking.driver });
    const elsewhere = { ...APPROVER, desktops: new Set(["other"]) };
    const { task_id, plan_digest } = await service.engine.plan(REQUESTER, TASK);
    const decision = { task_id, plan_digest, decision: "approve" } as const;
    await expect(service.engine.confirm(elsewhere, decision)).rejects.toMatchObject({
      code: "scope_missing",
    });
    await service.engine.execute(REQUESTER, { task_id }, { waitMs: 0, signal: NEVER });
    await talking.started;
    await expect(
      service.engine.instruct(elsewhere, task_id, { kind: "takeover" }),
    ).rejects.toMatchObject({ code: "scope_missing" });
    expect(talking.heard).toEqual([]);
    talking.end();
  });
});

describe("what the policy completes", () => {
  it("counts as planned when the call is repeated with the plan's own body", async () => {
    await using service = await startEngine({ driver: createFakeDriver() });
    const parameters = { ...TASK.parameters, envelope: { max_actions: 5 } };
    const plan = await service.engine.plan(REQUESTER, { action: TASK.action, parameters });
    expect(plan.steps[0]?.parameters.envelope).toMatchObject({ max_actions: 5, applications: [] });
    const { task_id } = plan;
    const other = { description: "Sort the mail", envelope: { max_actions: 6 } };
    await expect(
      service.engine.execute(REQUESTER, { task_id, ...TASK, parameters: other }, WAIT),
    ).rejects.toMatchObject({ code: "plan_mismatch" });
    const { view } = await service.engine.execute(
      REQUESTER,
      { task_id, action: TASK.action, parameters },
      WAIT,
    );
    expect(view.status).toBe("completed");
  });
});

/** A driver whose step runs until it is told to end, and takes instructions. */
function createTalkingDriver(handle?: (instruction: Instruction) => Promise<void>) {
  const started = Promise.withResolvers<StepIo>();
  const ended = Promise.withResolvers<Record<string, unknown>>();
  const heard: Instruction[] = [];
  const driver = createFakeDriver({
    perform: async (_step, io) => {
      io.onInstruction(async (instruction) => {
        heard.push(instruction);
        await handle?.(instruction);
      });
      started.resolve(io);
      return ended.promise;
    },
  });
  return { driver, started: started.promise, end: () => ended.resolve({}), heard };
}

describe("instructions", () => {
  it("I17 reach the step that runs, recorded before and after", async () => {
    const talking = createTalkingDriver();
    await using service = await startEngine({ driver: talking.driver });
    const { task_id } = await service.engine.plan(REQUESTER, TASK);
    const told = { kind: "message", message: "the blue one" } as const;
    await expect(service.engine.instruct(APPROVER, task_id, told)).rejects.toMatchObject({
      code: "state_changed",
    });
    await service.engine.execute(REQUESTER, { task_id }, { waitMs: 0, signal: NEVER });
    await talking.started;
    await service.engine.instruct(APPROVER, task_id, told);
    expect(talking.heard).toEqual([told]);
    talking.end();
    await service.engine.execute(REQUESTER, { task_id }, WAIT);
    await expect(service.engine.instruct(APPROVER, task_id, told)).rejects.toMatchObject({
      code: "state_changed",
    });
    const records = await service.store.audit.read(0, 100, task_id);
    const types = records.map(({ type }) => type);
    expect(types.filter((type) => type.includes("instruct"))).toEqual([
      "task.instructed",
      "task.instruction_finished",
    ]);
    // Its content is a digest there.
    expect(JSON.stringify(records)).not.toContain("the blue one");
  });

  it("answer what the step says, and record that it failed", async () => {
    const talking = createTalkingDriver(async () => {
      throw new GatewayError("bytebot_unavailable", "The agent does not answer.");
    });
    await using service = await startEngine({ driver: talking.driver });
    const { task_id } = await service.engine.plan(REQUESTER, TASK);
    await service.engine.execute(REQUESTER, { task_id }, { waitMs: 0, signal: NEVER });
    await talking.started;
    await expect(
      service.engine.instruct(APPROVER, task_id, { kind: "takeover" }),
    ).rejects.toMatchObject({ code: "bytebot_unavailable" });
    const records = await service.store.audit.read(0, 100, task_id);
    expect(records.at(-1)).toMatchObject({
      type: "task.instruction_finished",
      details: { kind: "takeover", outcome: "bytebot_unavailable" },
    });
    talking.end();
  });
});

describe("what a step records while it runs", () => {
  it("becomes an event and an audit record, and nothing once the task has ended", async () => {
    const talking = createTalkingDriver();
    await using service = await startEngine({ driver: talking.driver });
    const { task_id } = await service.engine.plan(REQUESTER, TASK);
    await service.engine.execute(REQUESTER, { task_id }, { waitMs: 0, signal: NEVER });
    const io = await talking.started;
    expect(io).toMatchObject({ taskId: task_id, requester: "default" });
    const entry = {
      event: { message: "Clicked", agent: { kind: "action" } },
      audit: { type: "agent.action", details: { action: "mouse.click" } },
    };
    await io.record(entry);
    const [event] = (await service.store.events.read(0, 100, { taskId: task_id })).slice(-1);
    expect(event).toMatchObject({ event: "task_progress", data: entry.event });
    const [record] = (await service.store.audit.read(0, 100, task_id)).slice(-1);
    expect(record).toMatchObject({
      type: "agent.action",
      details: { action: "mouse.click", step: 0 },
    });
    talking.end();
    await service.engine.execute(REQUESTER, { task_id }, WAIT);
    await expect(io.record(entry)).rejects.toThrow(/nothing happens/);
  });
});

describe("the event of a task's end", () => {
  it("I10 says where a large result is, and carries a small one", async () => {
    const results = [{ content: "x".repeat(1000) }, { content: "x".repeat(300_000) }];
    const driver = createFakeDriver({ perform: async () => results.shift() ?? {} });
    await using service = await startEngine({ driver });
    const ends = [];
    for (const _ of [1, 2]) {
      const { task_id } = await service.engine.plan(REQUESTER, CLICK);
      await service.engine.execute(REQUESTER, { task_id }, WAIT);
      ends.push(...(await service.store.events.read(0, 100, { taskId: task_id })).slice(-1));
    }
    expect(ends[0]?.data.result).toMatchObject({ content: "x".repeat(1000) });
    expect(ends[1]?.data).toEqual({
      progress: 100,
      result: null,
      result_url: `/tasks/${ends[1]?.task_id}`,
    });
    const { result } = await service.engine.get(REQUESTER, ends[1]?.task_id ?? "");
    expect(result).toMatchObject({ content: expect.stringMatching(/^x{300000}$/) });
  });
});

describe("after a crash", () => {
  it("tells the desktop what was under way, so that it waits for it", async () => {
    const talking = createTalkingDriver();
    const service = await startEngine({ driver: talking.driver });
    const { task_id } = await service.engine.plan(REQUESTER, CLICK);
    await service.engine.execute(REQUESTER, { task_id }, { waitMs: 0, signal: NEVER });
    await talking.started;
    await service.crash();
    const told: unknown[] = [];
    const driver = createFakeDriver({
      recover: (steps, startedAt) => told.push([steps.map(({ action }) => action), startedAt]),
    });
    await using next = await startEngine({ driver, folder: service.folder });
    await next.engine.recover();
    expect(told).toEqual([[["mouse.click"], expect.any(Number)]]);
    const task = await next.engine.get(REQUESTER, task_id);
    expect(task).toMatchObject({ status: "interrupted", error: { code: "outcome_unknown" } });
    expect(told[0]).toEqual([["mouse.click"], Date.parse(task.started_at ?? "")]);
  });
});
