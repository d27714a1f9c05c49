import { describe, expect, it } from "vitest";
import type { GatewayEvent } from "../contract/event.ts";
import { encodeEvent } from "./encode-event.ts";

const event: GatewayEvent = {
  id: 7,
  event: "task_rejected",
  task_id: "task_x",
  owner: "default",
  timestamp: "2026-01-01T00:00:00.000Z",
  data: { reason: "a\r\nb\u0085c\u2028d\u2029e\u000bf" },
};

describe("encodeEvent", () => {
  it("I14 is one line of data, whatever a reader takes for the end of a line", () => {
    const text = encodeEvent(event, "full").toString();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(text.split(/\r\n|[\n\r\u000b\u000c\u001c-\u001e\u0085\u2028\u2029]/)).toEqual([
      "id: 7",
      expect.stringMatching(/^data: /),
      "",
      "",
    ]);
    const { data, task_id, timestamp } = event;
    const sent = JSON.parse(text.split("\n")[1]?.slice("data: ".length) ?? "");
    expect(sent).toEqual({ event: "task_rejected", task_id, timestamp, ...data });
  });

  it("I7 tells strangers name, task, time and progress", () => {
    const { reason } = event.data;
    const text = encodeEvent({ ...event, data: { reason, progress: 5 } }, "redacted").toString();
    const { task_id, timestamp } = event;
    const sent = JSON.parse(text.split("\n")[1]?.slice("data: ".length) ?? "");
    expect(sent).toEqual({ event: "task_rejected", task_id, timestamp, progress: 5 });
  });
});
