import { Webhook } from "standardwebhooks";
import type { Notice, WebhookEndpoint, WebhookEvent, WebhookFormat } from "../contract/webhook.ts";

/** A request without its address. */
export interface Message {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface MessageOptions {
  readonly id: string;
  readonly notice: Notice;
  /** The page that opens the plan for an approver. It gives no right by itself. */
  readonly link: string;
  readonly now: Date;
}

type Written = Pick<WebhookEndpoint, "format" | "secrets" | "token">;

/**
 * A notification as its endpoint wants it. The body is the same in every attempt; the signature of
 * Standard Webhooks, over id, time and body, is of this one.
 */
export function writeMessage(
  { format, secrets, token }: Written,
  { id, notice, link, now }: MessageOptions,
): Message {
  const { headers, body } = FORMATS[format](notice, link);
  const signatures = secrets.map((secret) => new Webhook(secret).sign(id, now, body));
  return {
    headers: {
      "user-agent": "bytebot-gateway",
      ...headers,
      "webhook-id": id,
      ...(signatures.length > 0 && {
        "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
        "webhook-signature": signatures.join(" "),
      }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body,
  };
}

const JSON_HEADERS = { "content-type": "application/json" };

const FORMATS: Readonly<Record<WebhookFormat, (notice: Notice, link: string) => Message>> = {
  standard({ type, timestamp, ...task }, url) {
    const data = { ...task, status: type.slice("task.".length), url };
    return { headers: JSON_HEADERS, body: JSON.stringify({ type, timestamp, data }) };
  },

  ntfy(notice, link) {
    const { title, tag, priority } = WORDS[notice.type];
    return {
      headers: {
        "content-type": "text/plain; charset=utf-8",
        title: `${title} (${notice.risk} risk)`,
        tags: tag,
        priority: String(waits(notice) && notice.risk === "high" ? priority + 1 : priority),
        click: link,
      },
      body: `${notice.summary}\n${notice.requester}`,
    };
  },

  slack(notice, link) {
    const { title } = WORDS[notice.type];
    const heading = `${title} (${notice.risk} risk, ${slackText(notice.requester)})`;
    const opener = `<${slackText(link)}|${waits(notice) ? "Open the approval page" : "Open"}>`;
    const text = `${heading}: ${slackText(notice.summary)} ${opener}`;
    // The text of the notification; in the channel the blocks, where a summary is nothing but text
    // and no address in it becomes a link.
    const blocks = [
      { type: "section", text: { type: "mrkdwn", text: `*${heading}*`, verbatim: true } },
      { type: "section", text: { type: "plain_text", text: notice.summary || "–", emoji: false } },
      { type: "section", text: { type: "mrkdwn", text: opener, verbatim: true } },
    ];
    return {
      headers: JSON_HEADERS,
      body: JSON.stringify({ text, blocks, unfurl_links: false, unfurl_media: false }),
    };
  },
};

interface Words {
  readonly title: string;
  /** Of ntfy: an emoji's short code, and 1 to 5. */
  readonly tag: string;
  readonly priority: number;
}

const WORDS: Readonly<Record<WebhookEvent, Words>> = {
  "task.awaiting_confirmation": { title: "Waits for approval", tag: "raised_hand", priority: 4 },
  "task.completed": { title: "Completed", tag: "white_check_mark", priority: 2 },
  "task.failed": { title: "Failed", tag: "x", priority: 3 },
  "task.cancelled": { title: "Cancelled", tag: "no_entry_sign", priority: 2 },
  "task.interrupted": { title: "Interrupted, outcome unknown", tag: "warning", priority: 4 },
  "task.rejected": { title: "Rejected", tag: "no_entry", priority: 2 },
  "task.expired": { title: "Expired", tag: "hourglass", priority: 2 },
};

function waits({ type }: Notice): boolean {
  return type === "task.awaiting_confirmation";
}

const SLACK_ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** Slack's three control characters: without them nobody is mentioned and nothing links. */
function slackText(text: string): string {
  return text.replace(/[&<>]/g, (character) => SLACK_ESCAPES[character] ?? "");
}
