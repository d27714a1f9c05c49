import { describe, expect, it } from "vitest";
import { DESKTOP, TestGuard } from "../../test/support/guard/fixtures.ts";
import { sha256 } from "../lib/canonical.ts";

const PATH = "/home/user/Desktop/list.txt";
const FILE = { path: PATH, sha256: sha256("milk") };

const write = (text: string, path = PATH) => ({
  action: "write_file",
  path,
  data: Buffer.from(text).toString("base64"),
});

describe("files that were approved with the task", () => {
  it("pass once, although the envelope lets no file be written", async () => {
    await using test = await TestGuard.open();
    using _session = test.begin({}, DESKTOP, [FILE]);
    expect(await test.act(write("milk"))).toMatchObject({ status: 201 });
    expect(test.sent[0]).toMatchObject({ action: "write_file", path: PATH });
    expect(test.audit()).toContainEqual(
      expect.objectContaining({ type: "agent.action", action: "fs.write" }),
    );
    const before = test.sent.length;
    expect(await test.act(write("milk"))).toBe("dropped");
    expect(test.sent).toHaveLength(before);
  });

  it("are not written again over what became of them, even where the envelope lets files be written", async () => {
    await using test = await TestGuard.open();
    const envelope = { actions: ["fs.write"], paths: ["/home/user"] };
    using _session = test.begin(envelope, DESKTOP, [FILE]);
    expect(await test.act(write("milk"))).toMatchObject({ status: 201 });
    const before = test.sent.length;
    // More often than an agent may be refused.
    for (let index = 0; index < 25; index += 1) {
      expect(await test.act(write("milk"))).toBe("dropped");
    }
    expect(test.sent).toHaveLength(before);
    expect(test.audit().at(-1)).toMatchObject({ type: "agent.denied", code: "state_changed" });
    expect(await test.act(write("beer"))).toMatchObject({ status: 201 });
  });

  it("come before the task runs, while the agent may do nothing else", async () => {
    await using test = await TestGuard.open();
    using _session = test.begin({}, DESKTOP, [FILE]);
    test.agentDenial = "the agent's task does not run";
    expect(await test.act({ action: "screenshot" })).toBe("dropped");
    expect(await test.act(write("milk"))).toMatchObject({ status: 201 });
  });

  it("do not pass where the policy no longer lets such a file be written", async () => {
    await using test = await TestGuard.open();
    using _session = test.begin({}, DESKTOP, [FILE]);
    test.policy = { ...test.policy, capabilities: { "agent.task": { enabled: true } } };
    expect(await test.act(write("milk"))).toBe("dropped");
    expect(test.sent).toEqual([]);
  });

  it("do not pass where the task is over", async () => {
    await using test = await TestGuard.open();
    using _session = test.begin({}, DESKTOP, [FILE]);
    test.fileDenial = "the agent's task neither waits nor runs";
    expect(await test.act(write("milk"))).toBe("dropped");
    expect(test.sent).toEqual([]);
  });

  it.each([
    ["other bytes", write("beer")],
    ["another name", write("milk", "/home/user/Desktop/other.txt")],
    ["a way around the name", write("milk", "/home/user/Desktop/x/../../list.txt")],
  ])("do not pass with %s", async (_, body) => {
    await using test = await TestGuard.open();
    using _session = test.begin({}, DESKTOP, [FILE]);
    expect(await test.act(body)).toBe("dropped");
    expect(test.sent).toEqual([]);
  });
});
