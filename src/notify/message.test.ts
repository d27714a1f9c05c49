import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import type { Notice } from "../contract/webhook.ts";
import { writeMessage } from "./message.ts";

const secretOf = (text: string) => `whsec_${Buffer.alloc(24, text).toString("base64")}`;
const NOTICE: Notice = {
  type: "task.awaiting_confirmation",
  timestamp: "2026-01-01T00:00:00.000Z",
  task_id: `task_${"A".repeat(22)}`,
  summary: "Type <!channel> & <https://evil.example|approve> here",
  risk: "high",
  requester: "<@U123>",
  expires_at: "2026-01-01T00:15:00.000Z",
};
const LINK = "https://gateway.example/approvals/task_A";
const options = { id: "msg_1", notice: NOTICE, link: LINK, now: new Date() };

describe("writeMessage", () => {
  it("signs with every secret, so that one can be exchanged without a gap", () => {
    const secrets = [secretOf("new"), secretOf("old")];
    const message = writeMessage({ format: "standard", secrets, token: undefined }, options);
    for (const secret of secrets) {
      expect(new Webhook(secret).verify(message.body, message.headers)).toMatchObject({
        type: NOTICE.type,
        data: { status: "awaiting_confirmation", url: LINK },
      });
    }
    const forged = message.body.replace("high", "low");
    expect(() => new Webhook(secretOf("new")).verify(forged, message.headers)).toThrow();
    expect(() => new Webhook(secretOf("other")).verify(message.body, message.headers)).toThrow();
  });

  it("I14 mentions nobody and links nothing of a summary in Slack", () => {
    const { body } = writeMessage({ format: "slack", secrets: [], token: undefined }, options);
    const { text, blocks } = JSON.parse(body);
    expect(text.match(/<[^>]*>/g)).toEqual([`<${LINK}|Open the approval page>`]);
    const marked = blocks.filter(
      (block: { text: { type: string } }) => block.text.type === "mrkdwn",
    );
    const links = marked.flatMap((block: { text: { text: string } }) =>
      block.text.text.match(/<[^>]*>/g),
    );
    expect(links.filter(Boolean)).toEqual([`<${LINK}|Open the approval page>`]);
    expect(marked.every((block: { text: { verbatim: boolean } }) => block.text.verbatim)).toBe(
      true,
    );
    expect(blocks[1].text).toEqual({ type: "plain_text", text: NOTICE.summary, emoji: false });
  });

  it("I14 puts nothing of a task into ntfy's headers but its risk", () => {
    const { headers } = writeMessage({ format: "ntfy", secrets: [], token: undefined }, options);
    expect(headers).toMatchObject({
      title: "Waits for approval (high risk)",
      priority: "5",
      click: LINK,
    });
    expect(JSON.stringify(headers)).not.toMatch(/channel|U123/);
    expect(headers).not.toHaveProperty("webhook-signature");
  });
});
