import { describe, expect, it } from "vitest";
import { CardService, IDLE_MS, LINK_MS } from "./card-service.ts";

const SUBJECT = { taskId: "task_1", keyId: "chat" };
const HOUR_MS = 3_600_000;

function openService() {
  const clock = { now: 1_000_000 };
  return { clock, service: new CardService(() => clock.now) };
}

function open(of: CardService, token: string): string {
  const opening = of.open(token);
  if (opening?.kind !== "opened") throw new Error("not opened");
  return opening.session;
}

describe("CardService", () => {
  it("opens a link once; a second time tells only what it was for", () => {
    const { service: cards, clock } = openService();
    const token = cards.issue(SUBJECT, clock.now + HOUR_MS);
    expect(cards.find(open(cards, token))).toEqual(SUBJECT);
    expect(cards.open(token)).toEqual({ kind: "used", subject: SUBJECT });
    expect(cards.find(token)).toBeUndefined();
  });

  it("a link ends with its plan, and after a quarter of an hour", () => {
    const { service: cards, clock } = openService();
    const short = cards.issue(SUBJECT, clock.now + 1000);
    const long = cards.issue(SUBJECT, clock.now + HOUR_MS);
    clock.now += 1000;
    expect(cards.open(short)).toBeUndefined();
    clock.now += LINK_MS - 1001;
    expect(cards.open(long)?.kind).toBe("opened");
    clock.now += 1;
    expect(cards.open(long)).toBeUndefined();
  });

  it("a session lives as long as its page asks, and two hours at most", () => {
    const { service: cards, clock } = openService();
    const session = open(cards, cards.issue(SUBJECT, clock.now + HOUR_MS));
    const silent = open(cards, cards.issue(SUBJECT, clock.now + HOUR_MS));
    const end = clock.now + 2 * HOUR_MS;
    while (clock.now + IDLE_MS / 2 < end) {
      clock.now += IDLE_MS / 2;
      expect(cards.find(session)).toEqual(SUBJECT);
    }
    expect(cards.find(silent)).toBeUndefined();
    clock.now = end;
    expect(cards.find(session)).toBeUndefined();
  });

  it("I15 ends what a key has, and nothing of another's", () => {
    const { service: cards, clock } = openService();
    const until = clock.now + HOUR_MS;
    const session = open(cards, cards.issue(SUBJECT, until));
    const link = cards.issue(SUBJECT, until);
    const other = cards.issue({ ...SUBJECT, keyId: "other" }, until);
    cards.endKey("chat");
    expect(cards.find(session)).toBeUndefined();
    expect(cards.open(link)).toBeUndefined();
    expect(cards.open(other)?.kind).toBe("opened");
  });

  it("I10 I13 keeps a bounded number for each key; the oldest of its own go first", () => {
    const { service: cards, clock } = openService();
    const until = clock.now + HOUR_MS;
    const foreign = cards.issue({ ...SUBJECT, keyId: "other" }, until);
    const tokens = Array.from({ length: 201 }, () => cards.issue(SUBJECT, until));
    expect(cards.open(tokens[0] ?? "")).toBeUndefined();
    expect(cards.open(tokens[1] ?? "")?.kind).toBe("opened");
    expect(cards.open(foreign)?.kind).toBe("opened");
  });
});
