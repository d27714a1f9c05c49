import { afterAll, beforeAll, expect, test } from "vitest";
import { approve, execute, plan } from "../support/flow.ts";
import { GuardedAgent } from "./guarded-agent.ts";

let bytebot: GuardedAgent;
beforeAll(async () => {
  bytebot = await GuardedAgent.start();
});
afterAll(() => bytebot[Symbol.asyncDispose]());

const PATH = "/home/user/Desktop/list.txt";

test("the files of a task reach the agent's desktop, and nothing else it writes there", async () => {
  bytebot.prepare("shop", [
    { act: { action: "write_file", path: `${PATH}.sh`, data: "cm0gLXJm" } },
    { complete: "done" },
  ]);
  const planned = await plan(bytebot.gateway, "agent.task", {
    description: "shop",
    files: [{ name: "list.txt", content: "bWlsaw==", media_type: "text/plain" }],
    // No file may be written by itself.
    envelope: { actions: ["screen.capture"] },
  });
  expect(planned.steps[0]?.preview).toMatchObject({
    envelope: expect.arrayContaining([
      `It is given ${PATH} with 4 bytes, in place of what is there: "milk"`,
    ]),
  });
  await approve(bytebot.gateway, planned);
  const done = await execute(bytebot.gateway, planned.task_id);
  expect(done).toMatchObject({ status: "completed" });
  expect(bytebot.daemon.files.text(PATH)).toBe("milk");
  expect([...bytebot.daemon.files.files.keys()]).not.toContain(`${PATH}.sh`);
  const audit = await bytebot.audit(planned.task_id);
  expect(audit).toContainEqual(
    expect.objectContaining({
      type: "agent.action",
      details: expect.objectContaining({ action: "fs.write" }),
    }),
  );
});
