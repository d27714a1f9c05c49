import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { DesktopList } from "../../src/contract/desktop.ts";
import type { TaskView } from "../../src/contract/task.ts";
import { type Daemon, startDaemon } from "../bytebot/daemon.ts";
import { type Answer, call } from "../support/call.ts";
import { execute, plan, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator, Person } from "../support/people.ts";

const POLICY = {
  capabilities: {
    "fs.read": { enabled: true, allowed_paths: ["/tmp"] },
    "screen.capture": { enabled: true, confirmation: "client" },
    "mouse.click": { enabled: true, confirmation: "client" },
    "keyboard.type": { enabled: true, confirmation: "client" },
  },
};
const name = "bytebot";
const takeover = `/desktops/${name}/takeover`;
const input = `/desktops/${name}/input`;

interface Record_ {
  readonly type: string;
  readonly key_id: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Taking a desktop over, over HTTP, with ByteBot's daemon behind the gateway. */
describe("takeover", () => {
  const owned = new AsyncDisposableStack();
  let daemon: Daemon;
  let gateway: Gateway;
  let olga: Person;
  let otto: Person;

  beforeAll(async () => {
    daemon = owned.use(await startDaemon());
    gateway = owned.use(
      await startGateway({
        policy: POLICY,
        env: {
          BYTEBOT_URL: daemon.url,
          BYTEBOT_API_KEY: "none",
          DRIVER: "bytebot",
          RETRY_ATTEMPTS: "0",
        },
      }),
    );
    olga = await firstOperator(gateway);
    otto = await olga.invite("Otto", "operator");
  });
  afterAll(() => owned.disposeAsync());
  afterEach(async () => {
    daemon.clearFaults();
    for (const person of [olga, otto]) await person.call("DELETE", takeover);
  });

  const take = (person: Person, minutes = 5) => person.call("POST", takeover, { minutes });
  const codeOf = ({ status, body }: Answer) => [status, (body as { code?: string }).code];
  const listed = async (person: Person = olga) => {
    const { body } = await person.call<DesktopList>("GET", "/desktops");
    return body.desktops[0];
  };
  const audit = async (...types: string[]) => {
    const { body } = await call<{ records: Record_[] }>(
      gateway,
      "GET",
      "/audit?limit=1000",
      undefined,
      gateway.keys.approver,
    );
    return body.records.filter(({ type }) => types.includes(type));
  };
  const finished = async (taskId: string): Promise<TaskView> => {
    await execute(gateway, taskId);
    return task(gateway, taskId);
  };

  test("is listed, with who has it until when, and whose session that is", async () => {
    const { status, body } = await take(olga, 60);
    expect(status).toBe(200);
    const { until } = body as { until: string };
    const lease = { person_id: "olga-operator", name: "Olga Operator", until };
    expect((await listed())?.lease).toEqual({ ...lease, mine: true });
    expect((await listed(otto))?.lease).toEqual({ ...lease, mine: false });
    await olga.call("DELETE", takeover);
    expect((await listed())?.lease).toBeUndefined();
    const records = await audit("desktop.taken_over", "desktop.returned");
    expect(records.slice(-2)).toMatchObject([
      { type: "desktop.taken_over", key_id: olga.keyId, details: { desktop: name, until } },
      { type: "desktop.returned", key_id: olga.keyId, details: { reason: "returned" } },
    ]);
  });

  test("a task that is executed meanwhile waits, one on files does not, and it runs afterwards", async () => {
    const planned = await plan(gateway, "keyboard.type", { text: "later" });
    await take(olga);
    const { body } = await call<{ status: string }>(gateway, "POST", "/execute", {
      task_id: planned.task_id,
    });
    expect(body.status).toBe("running");
    const other = await plan(gateway, "fs.read", { path: "/tmp/nothing" });
    await finished(other.task_id);
    expect((await task(gateway, planned.task_id)).status).toBe("queued");
    expect(daemon.requestsFor("type_text")).toEqual([]);
    await olga.call("DELETE", takeover);
    expect((await finished(planned.task_id)).status).toBe("completed");
    expect(daemon.typed).toBe("later");
  });

  test("a plan that looks at the desktop waits, and sees it afterwards", async () => {
    await take(olga);
    const before = daemon.requestsFor("screenshot").length;
    let isPlanned = false;
    const planned = plan(gateway, "mouse.click", { coordinates: { x: 5, y: 5 } }).then((view) => {
      isPlanned = true;
      return view;
    });
    // What needs no look is planned, and answered after the other was asked for.
    await plan(gateway, "screen.capture", {});
    await listed();
    expect(isPlanned).toBe(false);
    expect(daemon.requestsFor("screenshot").length).toBe(before);
    await olga.call("DELETE", takeover);
    expect((await planned).steps[0]?.preview).toMatchObject({ kind: "screenshot" });
  });

  test("a plan waits for so long and no longer", { timeout: 30_000 }, async () => {
    await take(olga);
    const before = daemon.requestsFor("screenshot").length;
    const body = { action: "mouse.click", parameters: { coordinates: { x: 5, y: 5 } } };
    const answer = await call(gateway, "POST", "/plan", body);
    expect(codeOf(answer)).toEqual([503, "desktop_unavailable"]);
    expect(JSON.stringify(answer.body)).not.toContain("Olga");
    expect(daemon.requestsFor("screenshot").length).toBe(before);
    // Nothing is left behind that would keep the desktop from others.
    await olga.call("DELETE", takeover);
    await plan(gateway, "mouse.click", { coordinates: { x: 5, y: 5 } });
    expect((await take(otto)).status).toBe(200);
  });

  test("is refused while a task runs, which it names; the desktop says so too", async () => {
    const planned = await plan(gateway, "keyboard.type", { text: "slow" });
    const fault = daemon.fail({ action: "type_text", with: "hang" });
    await call(gateway, "POST", "/execute", { task_id: planned.task_id });
    await daemon.waitFor(() => daemon.requestsFor("type_text").at(-1)?.body.text === "slow");
    const refused = await take(olga);
    expect(codeOf(refused)).toEqual([409, "state_changed"]);
    expect((refused.body as { detail: string }).detail).toContain(planned.task_id);
    expect((await listed())?.busy_with).toBe(planned.task_id);
    fault.release();
    await finished(planned.task_id);
    expect((await take(olga)).status).toBe(200);
  });

  test("I4 no key takes it over, nor an approver, nor a page of another site", async () => {
    const ada = await olga.invite("Ada", "approver");
    for (const credentials of Object.values(gateway.keys)) {
      for (const [method, target] of [
        ["POST", takeover],
        ["DELETE", takeover],
        ["POST", input],
      ] as const) {
        const body = {
          [takeover]: { minutes: 1 },
          [input]: { action: "mouse.move", parameters: { coordinates: { x: 1, y: 1 } } },
        }[target];
        const sent = method === "DELETE" ? undefined : body;
        const answer = await call(gateway, method, target, sent, credentials);
        expect(codeOf(answer)).toEqual([403, "scope_missing"]);
      }
    }
    for (const credentials of [gateway.keys.default, gateway.keys.api]) {
      for (const target of ["/desktops", `/desktops/${name}/picture`]) {
        const answer = await call(gateway, "GET", target, undefined, credentials);
        expect(codeOf(answer)).toEqual([403, "scope_missing"]);
      }
    }
    expect(codeOf(await take(ada))).toEqual([403, "scope_missing"]);
    expect(codeOf(await ada.call("GET", "/desktops"))).toEqual([403, "scope_missing"]);
    const foreign = { origin: "https://evil.example" };
    const crossSite = await olga.call("POST", takeover, { minutes: 1 }, foreign);
    expect(crossSite.status).toBeGreaterThanOrEqual(400);
    expect((await listed())?.lease).toBeUndefined();
  });

  test("I3 two people at once: one gets it", async () => {
    const answers = await Promise.all([take(olga), take(otto), take(olga), take(otto)]);
    const won = answers.filter(({ status }) => status === 200);
    expect(won.length).toBeGreaterThanOrEqual(1);
    const holder = (await listed())?.lease?.person_id;
    const [first] = answers;
    expect(holder === "olga-operator").toBe(first?.status === 200);
    const loser = holder === "olga-operator" ? otto : olga;
    expect(codeOf(await take(loser))).toEqual([409, "state_changed"]);
  });

  test("is renewed by asking again; another session of the same person takes it along", async () => {
    await take(olga, 1);
    const second = new Person(gateway, olga.authenticator);
    await second.signIn();
    const act = { action: "mouse.move", parameters: { coordinates: { x: 3, y: 4 } } };
    expect(codeOf(await second.call("POST", input, act))).toEqual([409, "state_changed"]);
    expect((await listed(second))?.lease?.mine).toBe(false);
    const renewed = await take(second, 60);
    expect(renewed.status).toBe(200);
    expect((await listed(second))?.lease).toMatchObject({
      mine: true,
      ...(renewed.body as object),
    });
    expect(codeOf(await olga.call("POST", input, act))).toEqual([409, "state_changed"]);
    expect((await second.call("POST", input, act)).status).toBe(200);
    await second.call("DELETE", "/session");
    expect((await listed())?.lease).toBeUndefined();
    expect((await audit("desktop.returned")).at(-1)?.details.reason).toBe("signed_out");
  });

  test("I6 I17 each input is on record before and after, without what is typed", async () => {
    const type = { action: "keyboard.type", parameters: { text: "hunter2" } };
    expect(codeOf(await olga.call("POST", input, type))).toEqual([409, "state_changed"]);
    await take(olga);
    const typed = daemon.typed;
    expect((await olga.call("POST", input, type)).status).toBe(200);
    expect(daemon.typed).toBe(`${typed}hunter2`);
    const key = { action: "keyboard.chord", parameters: { keys: ["h"] } };
    await olga.call("POST", input, key);
    const copy = { action: "keyboard.chord", parameters: { keys: ["ctrl", "c"] } };
    await olga.call("POST", input, copy);
    const records = await audit("desktop.input_started", "desktop.input");
    const found = records.filter(({ details }) => details.via === "action").slice(-6);
    expect(found.map(({ type, details }) => [type, details.action, details.outcome])).toEqual([
      ["desktop.input_started", "keyboard.type", undefined],
      ["desktop.input", "keyboard.type", "completed"],
      ["desktop.input_started", "keyboard.chord", undefined],
      ["desktop.input", "keyboard.chord", "completed"],
      ["desktop.input_started", "keyboard.chord", undefined],
      ["desktop.input", "keyboard.chord", "completed"],
    ]);
    expect(found.every(({ key_id }) => key_id === olga.keyId)).toBe(true);
    const text = JSON.stringify(found);
    expect(text).not.toContain("hunter2");
    expect(text).not.toContain('"h"');
    expect(text).toContain("Control_L");
    expect(gateway.output).not.toContain("hunter2");
  });

  test("what is held is let go of at the end", async () => {
    await take(olga);
    await olga.call("POST", input, {
      action: "keyboard.press",
      parameters: { keys: ["shift"], press: "down" },
    });
    await olga.call("POST", input, { action: "mouse.press", parameters: { press: "down" } });
    expect([...daemon.held].sort()).toEqual(["Shift_L", "button:left"]);
    await olga.call("DELETE", takeover);
    await daemon.waitFor(() => daemon.held.size === 0);
  });

  test("an input that hangs keeps others off until the daemon has answered", async () => {
    await take(olga);
    const fault = daemon.fail({ action: "type_text", with: "hang" });
    const text = "hanging";
    const typing = olga.call("POST", input, { action: "keyboard.type", parameters: { text } });
    await daemon.waitFor(() => daemon.requestsFor("type_text").at(-1)?.body.text === text);
    const returned = olga.call("DELETE", takeover);
    expect((await typing).status).toBeGreaterThanOrEqual(400);
    expect((await returned).body).toEqual({ returned: true });
    const taken = take(otto);
    await listed();
    expect((await listed())?.lease).toBeUndefined();
    fault.release();
    expect((await taken).status).toBe(200);
    expect(daemon.idle).toBe(true);
    expect(daemon.typed.endsWith(text)).toBe(true);
  });

  test.each<[string, unknown]>([
    ["a task's action", { action: "shell.run", parameters: { command: ["id"] } }],
    ["reading a file", { action: "fs.read", parameters: { path: "/tmp/a" } }],
    ["no such action", { action: "mouse.hover", parameters: {} }],
    ["unknown parameters", { action: "mouse.click", parameters: { force: true } }],
    ["too many clicks", { action: "mouse.click", parameters: { click_count: 99 } }],
    ["a key that crashes the daemon", { action: "keyboard.chord", parameters: { keys: ["F13"] } }],
    [
      "outside of the screen",
      { action: "mouse.move", parameters: { coordinates: { x: 9e4, y: 1 } } },
    ],
    ["no parameters", { action: "mouse.click" }],
  ])("refuses %s", async (_what, body) => {
    await take(olga);
    const before = daemon.events.length;
    expect(codeOf(await olga.call("POST", input, body))).toEqual([400, "invalid_request"]);
    expect(daemon.events.length).toBe(before);
  });

  test.each([0, 61, 1.5, -1, "5", null, 1e9])("refuses %j minutes", async (minutes) => {
    const answer = await olga.call("POST", takeover, { minutes });
    expect(codeOf(answer)).toEqual([400, "invalid_request"]);
  });

  test("a desktop that is not there", async () => {
    for (const target of ["attic", "..%2f..", "%00", "A"]) {
      const { status } = await olga.fetch("POST", `/desktops/${target}/takeover`, { minutes: 1 });
      expect(status).toBe(404);
    }
  });

  test("pictures are fresh PNGs, and many who ask at once cost one", async () => {
    const before = daemon.requestsFor("screenshot").length;
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => olga.fetch("GET", `/desktops/${name}/picture`)),
    );
    for (const { status, headers } of answers) {
      expect([status, headers.get("content-type")]).toEqual([200, "image/png"]);
      expect(headers.get("content-security-policy")).toContain("sandbox");
      expect(headers.get("cache-control")).toBe("no-store");
    }
    expect(daemon.requestsFor("screenshot").length).toBe(before + 1);
    expect((await listed())?.screen).toEqual({ width: 1280, height: 960 });
    const viewed = await audit("desktop.viewed");
    expect(viewed.filter(({ key_id }) => key_id === olga.keyId).length).toBe(1);
    // A program a person confirms through may look as well.
    const { approver } = gateway.keys;
    const { status } = await call(gateway, "GET", `/desktops/${name}/picture`, undefined, approver);
    expect(status).toBe(200);
  });

  test("says what is wrong with a desktop that does not answer", async () => {
    await using other = await startGateway({
      env: { BYTEBOT_URL: "http://127.0.0.1:9", BYTEBOT_API_KEY: "none", DRIVER: "bytebot" },
    });
    const nina = await firstOperator(other, "Nina");
    const { body } = await nina.call<DesktopList>("GET", "/desktops");
    expect(body.desktops).toMatchObject([
      { available: false, reason: expect.any(String), hint: expect.any(String) },
    ]);
    const { status } = await nina.fetch("GET", `/desktops/${name}/picture`);
    expect(status).toBe(503);
  });

  test("a restart ends it, and says so on record", async () => {
    await using other = await startGateway({
      policy: POLICY,
      env: { BYTEBOT_URL: daemon.url, BYTEBOT_API_KEY: "none", DRIVER: "bytebot" },
    });
    const reasons = async () => {
      const approver = other.keys.approver;
      const { body } = await call<{ records: Record_[] }>(
        other,
        "GET",
        "/audit?limit=1000",
        undefined,
        approver,
      );
      return body.records
        .filter(({ type }) => type === "desktop.returned")
        .map(({ details }) => [details.person_id, details.reason]);
    };
    const nina = await firstOperator(other, "Nina");
    await nina.call("POST", takeover, { minutes: 60 });
    await other.kill();
    await other.start();
    expect((await nina.call<DesktopList>("GET", "/desktops")).body.desktops[0]?.lease).toBe(
      undefined,
    );
    expect(await reasons()).toEqual([["nina", "restart"]]);
    expect((await nina.call("POST", takeover, { minutes: 60 })).status).toBe(200);
    await other.restart();
    expect(await reasons()).toEqual([
      ["nina", "restart"],
      ["nina", "shutdown"],
    ]);
    await other.restart();
    expect((await reasons()).length).toBe(2);
  });
});
