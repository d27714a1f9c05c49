import { expect, test } from "vitest";
import { applyEnvelopeDefaults } from "../policy/envelope-defaults.ts";
import { agentTask } from "./agent.ts";
import { describeEnvelope } from "./envelope.ts";

const normalise = (paths: string[]) =>
  agentTask.normalise({ description: "x", envelope: { paths } });

test("paths of an envelope are settled when it is asked for", () => {
  expect(normalise(["/home/user/../user/in/"])).toMatchObject({
    envelope: { paths: ["/home/user/in"] },
  });
});

test.each(["in", "", "./in", "/in\u0000", "~/in"])("%j is no path of an envelope", (path) => {
  expect(() => normalise(["/tmp", path])).toThrow(
    expect.objectContaining({
      code: "invalid_request",
      message: expect.stringContaining("/parameters/envelope/paths/1"),
    }),
  );
});

test("an envelope in words says every bound it has", () => {
  const asked = {
    actions: ["mouse.click", "app.open", "fs.read"],
    applications: ["firefox"],
    paths: ["/home/user/in"],
    max_actions: 1,
    region: { x: 1, y: 2, width: 30, height: 40 },
  };
  expect(describeEnvelope(applyEnvelopeDefaults(asked, undefined))).toEqual([
    "It may use mouse.click, app.open, fs.read.",
    "It may open firefox.",
    "It may touch what lies in /home/user/in.",
    "Its pointer may act from 1, 2 on, 30×40 pixels.",
    "It may take 1 action in 300 seconds.",
  ]);
  expect(describeEnvelope(applyEnvelopeDefaults({ actions: [] }, undefined))[0]).toBe(
    "It may do nothing.",
  );
});
