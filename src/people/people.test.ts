import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { expect, it, onTestFinished, vi } from "vitest";
import { MemoryPeopleStore } from "../../test/support/people/test-people-store.ts";
import { GatewayError } from "../contract/errors.ts";
import type { Policy } from "../contract/policy.ts";
import { makeHostLink } from "./make-host-link.ts";
import { People } from "./people.ts";
import type { PeopleStore } from "./people-store.ts";
import { personIdOf } from "./person-id.ts";
import { Sessions } from "./sessions.ts";

const HOUR_MS = 60 * 60_000;
const CALLER = { origin: "http://localhost:8089", ip: "127.0.0.1" };
const PASSWORD = "correct horse battery";

async function create(store: PeopleStore = new MemoryPeopleStore()) {
  const dataDir = mkdtempSync(join(tmpdir(), "people-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  const clock = { now: Date.parse("2026-01-01T00:00:00Z") };
  const errors: unknown[] = [];
  const people = new People(
    {
      store,
      dataDir,
      addresses: () => ({ publicUrl: "http://localhost:8089", port: 8089 }),
      policy: () => ({ passkey: "never" }) as Policy,
      onError: (error) => errors.push(error),
      now: () => clock.now,
    },
    await store.load(),
  );
  onTestFinished(() => people[Symbol.dispose]());
  return { people, clock, errors, store, dataDir };
}

async function enrolFirst(people: People) {
  const token = people.firstLink()?.url.split("#link=")[1] ?? "";
  const { enrolment } = await people.enrolments.openLink(token, CALLER);
  return people.enrolments.enrol({ enrolment, name: "Olga", password: PASSWORD }, CALLER);
}

it("a session ends after 12 hours without use, and tells of it", async () => {
  const { people, clock } = await create();
  const { token, record } = await enrolFirst(people);
  const ended = vi.fn();
  people.onSessionEnded(ended);
  clock.now += 11 * HOUR_MS;
  expect(people.use(token)?.principal.keyId).toBe("person:olga");
  clock.now += 12 * HOUR_MS - 1;
  expect(people.isSignedIn(record.id)).toBe(true);
  clock.now += 1;
  expect(people.use(token)).toBeUndefined();
  expect(people.isSignedIn(record.id)).toBe(false);
  await people.sweep();
  expect(ended.mock.calls).toEqual([[record.id, "person:olga"]]);
});

it("a session ends after seven days, however much it is used", async () => {
  const { people, clock } = await create();
  const { token } = await enrolFirst(people);
  for (let hours = 0; hours < 7 * 24 - 6; hours += 6) {
    clock.now += 6 * HOUR_MS;
    expect(people.use(token)).toBeDefined();
  }
  clock.now += 6 * HOUR_MS;
  expect(people.use(token)).toBeUndefined();
});

it("use is kept, so that a restart does not end a session that is used", async () => {
  const store = new MemoryPeopleStore();
  const first = await create(store);
  const { token } = await enrolFirst(first.people);
  first.clock.now += 8 * HOUR_MS;
  first.people.use(token);
  const second = await create(store);
  second.clock.now = first.clock.now + 8 * HOUR_MS;
  expect(second.people.use(token)?.principal.person?.name).toBe("Olga");
});

it("of one person twenty sessions run, and the one unused for longest gives way", () => {
  let now = 0;
  const store = new MemoryPeopleStore();
  const sessions = new Sessions({ store, now: () => now, onError: () => expect.unreachable() }, []);
  const begun = Array.from({ length: 21 }, () => {
    now += 1000;
    const session = sessions.prepare("olga", "passkey", "127.0.0.1");
    sessions.begin(session);
    return session;
  });
  const alive = begun.map(({ token }) => sessions.use(token) !== undefined);
  expect(alive).toEqual([false, ...Array(20).fill(true)]);
});

it("links end: the first and a recovery after an hour, an invitation after a day", async () => {
  const { people, clock } = await create();
  const late = people.firstLink()?.url.split("#link=")[1] ?? "";
  clock.now += HOUR_MS;
  await expect(people.enrolments.openLink(late, CALLER)).rejects.toThrow(
    "link cannot be used any more",
  );
  await enrolFirst(people);
  const open = (url: string) => people.enrolments.openLink(url.split("#link=")[1] ?? "", CALLER);
  const invitation = await people.admin.invite("approver", undefined, "person:olga");
  const recovery = await people.admin.recover("olga", "person:olga");
  clock.now += HOUR_MS;
  await expect(open(recovery.url)).rejects.toThrow("link cannot be used any more");
  clock.now += 23 * HOUR_MS;
  await expect(open(invitation.url)).rejects.toThrow("link cannot be used any more");
  await people.sweep();
  expect(people.admin.list().invitations).toEqual([]);
});

it("a second recovery voids the first, and a second start's link the first one's", async () => {
  const { people } = await create();
  const first = people.firstLink()?.url.split("#link=")[1] ?? "";
  people.firstLink();
  await expect(people.enrolments.openLink(first, CALLER)).rejects.toThrow(
    "link cannot be used any more",
  );
  await enrolFirst(people);
  const one = await people.admin.recover("olga", "person:olga");
  await people.admin.recover("olga", "person:olga");
  const token = one.url.split("#link=")[1] ?? "";
  await expect(people.enrolments.openLink(token, CALLER)).rejects.toThrow(
    "link cannot be used any more",
  );
});

it("an enrolment ends after a quarter of an hour, and with its person", async () => {
  const { people, clock } = await create();
  await enrolFirst(people);
  const opened = async (url: string) =>
    (await people.enrolments.openLink(url.split("#link=")[1] ?? "", CALLER)).enrolment;
  const enrol = (enrolment: string) =>
    people.enrolments.enrol({ enrolment, name: "Late", password: PASSWORD }, CALLER);

  const late = await opened((await people.admin.invite("operator", "Two", "person:olga")).url);
  clock.now += 15 * 60_000;
  await expect(enrol(late)).rejects.toThrow("page cannot be used any more");

  await enrol(await opened((await people.admin.invite("operator", "Two", "person:olga")).url));
  const recovering = await opened((await people.admin.recover("late", "person:olga")).url);
  await people.admin.remove("late", "person:olga");
  await expect(enrol(recovering)).rejects.toThrow("page cannot be used any more");
});

it("what cannot be recorded does not happen", async () => {
  const store = new MemoryPeopleStore();
  const { people } = await create(store);
  const { token } = await enrolFirst(people);
  vi.spyOn(store, "apply").mockRejectedValue(new Error("disk full"));
  await expect(people.signIn.withPassword("olga", PASSWORD, CALLER)).rejects.toThrow("disk full");
  await expect(people.admin.invite("operator", undefined, "person:olga")).rejects.toThrow();
  expect(people.admin.list().invitations).toEqual([]);
  expect(people.use(token)).toBeDefined();
});

it("signing out holds at once, also where it cannot be recorded", async () => {
  const store = new MemoryPeopleStore();
  const { people } = await create(store);
  const { token, record } = await enrolFirst(people);
  vi.spyOn(store, "apply").mockRejectedValue(new Error("disk full"));
  await expect(people.signOut(record.id)).rejects.toThrow("disk full");
  expect(people.use(token)).toBeUndefined();
});

it("a sign-out that could not be recorded is, once it can be, and no start undoes it", async () => {
  const store = new MemoryPeopleStore();
  const { people } = await create(store);
  const { token, record } = await enrolFirst(people);
  vi.spyOn(store, "apply")
    .mockRejectedValueOnce(new GatewayError("audit_unavailable", "The log cannot be written."))
    .mockRejectedValueOnce(new Error("disk full"));
  await expect(people.signOut(record.id)).rejects.toMatchObject({
    code: "audit_unavailable",
    message: expect.stringContaining("counts again"),
  });
  await expect(people.sweep()).rejects.toThrow("disk full");
  await people.sweep();
  await people.sweep();
  const ends = store.audit.filter(({ type }) => type === "session.ended");
  expect(ends).toMatchObject([{ details: { session: record.id, reason: "signed_out" } }]);
  const { people: later } = await create(store);
  expect(later.use(token)).toBeUndefined();
});

it("ids are made of names", () => {
  const taken = new Set(["anna"]);
  const id = (name: string) => personIdOf(name, (candidate) => taken.has(candidate));
  expect(id("Anna")).toBe("anna-2");
  expect(id("Łukasz Großmann")).toBe("lukasz-grossmann");
  expect(id("  --  ")).toBe("person");
  expect(id("../../etc")).toBe("etc");
  expect(id("x".repeat(60))).toHaveLength(34);
});

/** Lets others go on before anything is kept, as a disk does. */
class SlowPeopleStore extends MemoryPeopleStore {
  override async apply(...changes: Parameters<PeopleStore["apply"]>): Promise<void> {
    await setImmediate();
    await super.apply(...changes);
  }
}

it("a link made on the host is opened once by ten who come at once, before it was looked for", async () => {
  const { people, dataDir, clock } = await create(new SlowPeopleStore());
  await enrolFirst(people);
  clock.now = Date.now();
  const base = "http://localhost:8089";
  const { url } = makeHostLink(dataDir, { purpose: "invite", role: "operator", base });
  const token = url.split("#link=")[1] ?? "";
  const tries = Array.from({ length: 10 }, async (_, index) => {
    if (index % 3 === 0) await people.sweep();
    return people.enrolments.openLink(token, CALLER);
  });
  const outcomes = await Promise.allSettled(tries);
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  await people.sweep();
  await expect(people.enrolments.openLink(token, CALLER)).rejects.toThrow(
    "cannot be used any more",
  );
});
