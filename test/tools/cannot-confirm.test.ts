import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { CardState } from "../../src/tools/cards/card-messages.ts";
import { call, signedFetch } from "../support/call.ts";
import { type EventReader, openEvents } from "../support/events.ts";
import { plan, task } from "../support/flow.ts";
import type { Gateway } from "../support/gateway.ts";
import { follow } from "./cannot-confirm-addresses.ts";
import { extrasFor, type Schema } from "./cannot-confirm-arguments.ts";
import { connectAs, oddMessages } from "./cannot-confirm-mcp.ts";
import { Model } from "./cannot-confirm-model.ts";
import {
  bodySchema,
  honest,
  hostile,
  nameOf,
  operationsAt,
  requestsOf,
} from "./cannot-confirm-operations.ts";
import { REQUESTERS, startWorld, World } from "./cannot-confirm-targets.ts";
import { type Awaiting, askCard, awaitCard } from "./tool-calls.ts";

/**
 * I4 I11: whatever a model calls, with whatever arguments and with whichever requester's key, it
 * cannot bring a person's approval about. Everything that is documented is called, so that an
 * operation that is added is called too, without a word here.
 */
let gateway: Gateway;
let world: World;
let events: EventReader;
let models: readonly Model[];
let everybody: readonly Model[];

beforeAll(async () => {
  gateway = await startWorld();
  events = await openEvents(gateway, { credentials: gateway.keys.approver, query: "since=0" });
  world = new World(gateway);
  // Planning it waits for the sandbox's self-test: from then on every tool is listed that ever is.
  await call(gateway, "POST", "/tools/app_open", { application: "viewer" }, gateway.keys.api);
  await world.fill();
  models = REQUESTERS.map((key) => new Model(gateway, key));
  everybody = [...models, new Model(gateway, undefined)];
});
afterAll(async () => {
  await events?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
});

let turn = 0;
/** One waiting plan after the other: of the key's own and of another's, of each risk. */
function nextTarget(key: string) {
  const targets = world.targetsOf(key);
  const target = targets[turn++ % targets.length];
  if (target === undefined) throw new Error("nothing waits");
  return target;
}

/** What was told so far that only a person may bring about. */
async function decisions(): Promise<readonly string[]> {
  const last = await plan(gateway, "fs.read", { path: "/tmp/a.txt" });
  await events.until("task_planned", last.task_id);
  return events.seen.map(({ event }) => event).filter((event) => DECISIONS.has(event));
}
const DECISIONS: ReadonlySet<string> = new Set([
  "task_confirmed",
  "task_rejected",
  "gateway_stopped",
  "gateway_resumed",
]);

/** Thousands of requests, on a machine that may be busy. */
const LONG_MS = 300_000;

describe("I4 I11 nothing is confirmed by a model that calls", () => {
  /** Neither recorded, nor told, nor seen of any task or file. */
  afterEach(async () => {
    expect(await world.check()).toEqual([]);
    expect(await decisions()).toEqual([]);
    expect(await world.moved()).toEqual([]);
    expect(world.changedFiles()).toEqual([]);
  });

  test("every operation of /tools/openapi.json, with every requester's key", async () => {
    const operations = await operationsAt(`${gateway.url}/tools/openapi.json`);
    const called: string[] = [];
    const planned = new Set<string>();
    for (const operation of operations) {
      const { method, path, operationId = "" } = operation;
      const schema = bodySchema(operation) ?? {};
      await Promise.all(
        everybody.map(async (model) => {
          const send = async (args: unknown) => {
            const told = await model.send(method, `/tools${path}`, args);
            const token = told.location?.split("#")[1];
            // The body is what the model is given of it, whoever holds the key.
            if (token !== undefined) expect(told.text).not.toContain(token);
            return told.status;
          };
          const status = await send(honest(operationId, schema, nextTarget(model.key)));
          if (status === 200) planned.add(nameOf(operation));
          for (const target of world.targetsOf(model.key)) await send(hostile(schema, target));
          called.push(`${model.key} ${nameOf(operation)}`);
        }),
      );
      expect(await world.check(), nameOf(operation)).toEqual([]);
    }
    const every = operations.map(nameOf);
    expect(called.sort()).toEqual(everyCall(everybody, every));
    // Each was called as it wants to be called, too.
    expect([...planned].sort()).toEqual(every.sort());
    expect(every).toEqual(expect.arrayContaining(["POST /run_plan", "POST /task_status"]));
  });

  test.each([
    ["legacy", false],
    ["legacy", true],
    ["auto", false],
    ["auto", true],
  ] as const)("every tool of /mcp (%s, elicitation: %s)", async (mode, elicits) => {
    const called = new Map<string, readonly string[]>();
    await Promise.all(
      models.map(async (model) => {
        // A trusted surface's client asks the person in front of it, who says nothing here.
        const answer = model.key === "trusted" ? "closed" : "approve";
        const options = { mode, elicits, answer } as const;
        await using mcp = await connectAs(gateway, model.credentials, options);
        const { tools } = await mcp.client.listTools();
        for (const { name, inputSchema } of tools) {
          const target = nextTarget(model.key);
          const schema = inputSchema as Schema;
          for (const args of [honest(name, schema, target), hostile(schema, target)]) {
            const call = { name, arguments: args as Record<string, unknown> };
            const told = await mcp.client.callTool(call).catch(String);
            expect(JSON.stringify(told)).not.toContain("/cards");
            model.hear(JSON.stringify(told));
          }
          called.set(model.key, [...(called.get(model.key) ?? []), name]);
        }
        // Whoever's answer counts for nothing is not asked.
        if (model.key === "trusted" && elicits) {
          expect(mcp.questions.length).toBeGreaterThan(0);
          for (const text of mcp.questions) expect(text).toMatch(/^Risk: (?:low|medium)$/m);
        } else {
          expect([model.key, mcp.questions]).toEqual([model.key, []]);
        }
      }),
    );
    const operations = await operationsAt(`${gateway.url}/tools/openapi.json`);
    const every = operations.map(({ operationId }) => operationId).sort();
    for (const key of ["default", "api", "trusted", "here"]) {
      expect(called.get(key)?.toSorted(), key).toEqual(every);
    }
    expect(called.get("files")).toContain("fs_write");
    expect(called.get("elsewhere")).toEqual(["task_status"]);
  });

  test("/mcp with messages that no SDK sends", async () => {
    for (const model of everybody) {
      for (const target of world.targetsOf(model.key)) {
        for (const message of oddMessages(extrasFor(target))) {
          await model.send("POST", "/mcp", message);
        }
      }
    }
  });

  test(
    "every operation of /openapi.json, with every requester's key",
    async () => {
      const operations = await operationsAt(`${gateway.url}/openapi.json`);
      const called: string[] = [];
      const answers = new Set<string>();
      for (const operation of operations) {
        await Promise.all(
          everybody.map(async (model) => {
            for (const target of world.targetsOf(model.key)) {
              for (const { address, body } of requestsOf(operation, target)) {
                const { status } = await model.send(operation.method, address, body);
                answers.add(`${nameOf(operation)} ${status}`);
              }
            }
            called.push(`${model.key} ${nameOf(operation)}`);
          }),
        );
        expect(await world.check(), nameOf(operation)).toEqual([]);
      }
      expect(called.sort()).toEqual(everyCall(everybody, operations.map(nameOf)));
      // Arguments that nothing takes would prove nothing: these alone are called well in other tests.
      const taken = (name: string) =>
        [200, 202, 403].some((status) => answers.has(`${name} ${status}`));
      expect(
        operations
          .map(nameOf)
          .filter((name) => !taken(name))
          .sort(),
      ).toEqual(ELSEWHERE);
      // 400 is of what does not belong there, 401 of a stranger; nobody has the right.
      const confirming = [...answers].filter((answer) => answer.startsWith("POST /confirm "));
      expect(confirming.sort()).toEqual([400, 401, 403].map((status) => `POST /confirm ${status}`));
      // Programs that make tools of operations pass over those that decide.
      const deciding = operations.filter(({ path }) => /confirm|cards/.test(path));
      expect(deciding.filter(({ operationId }) => operationId !== undefined)).toEqual([]);
    },
    LONG_MS,
  );

  test("every address that any answer had, with the key and without", async () => {
    const places = new Map(models.map(({ key }) => [key, new Set<string>()]));
    // What these answer has addresses too, which are followed in the next round.
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(
        models.map(async (model) => {
          for (const url of model.takeUrls()) {
            places.get(model.key)?.add(await follow(model, url, nextTarget(model.key)));
          }
        }),
      );
      expect(await world.check()).toEqual([]);
    }
    for (const [key, followed] of places) {
      expect(followed, key).toContain("/confirm");
      expect(followed, key).toContain("/cards/decide");
      if (key !== "elsewhere") expect(followed, key).toContain("/approvals/task_");
      // The link of a trusted surface's card is for the person's browser.
      const hasCard = key !== "elsewhere" && key !== "trusted";
      expect([key, followed.has("a card")]).toEqual([key, hasCard]);
    }
  });

  /**
   * The operator's mark says that a person sits at this key's card. Its link is in `Location` alone,
   * which a chat gives to the person's browser; a model is given the body.
   */
  describe("with the key of a trusted approval surface", () => {
    const CALLS = {
      fs_list: { path: "/tmp" },
      fs_write: { path: "/tmp/card.txt", content: "x" },
      fs_edit: { path: "/tmp/a.txt", old_text: "old", new_text: "new" },
      wait: { duration_ms: 1 },
    } as const;

    test.each(Object.entries(CALLS))("%s, and the address of its card", async (tool, args) => {
      const model = new Model(gateway, "trusted");
      const { text, location } = await model.send("POST", `/tools/${tool}`, args);
      const [shown, told, ...more] = JSON.parse(text) as ["", Awaiting];
      expect([shown, more]).toEqual(["", []]);
      const names = ["advice", "confirmation_url", "status", "task_id"];
      expect(Object.keys(told).sort()).toEqual(names);
      // The console's address is everybody's: it opens to who signs in as an approver.
      expect(told.confirmation_url).toMatch(new RegExp(`/approvals/${told.task_id}$`));
      const besides = text.replaceAll(told.confirmation_url, "");
      expect(besides).not.toMatch(/https?:|cards|sha256/);
      const { pathname, search, hash } = new URL(location ?? "");
      // The secret is in the fragment, which is not sent: to the address itself everybody is the same.
      expect([pathname, search, hash.length]).toEqual(["/cards", "", 45]);
      const { task_id } = told;
      const { plan_digest } = await task(gateway, task_id, gateway.keys.trusted);
      const guesses = [task_id, plan_digest, "A".repeat(44), ""].map((session) => ({ session }));
      for (const address of [pathname, "/cards/open", "/cards/decide", "/confirm"]) {
        for (const { session } of guesses) {
          for (const body of [
            { session, plan_digest, decision: "approve" },
            { task_id, plan_digest, decision: "approve" },
            { token: session },
          ]) {
            for (const credentials of [model.credentials, {}]) {
              const { status } = await signedFetch(gateway, "POST", address, body, credentials);
              expect(status).toBeGreaterThanOrEqual(400);
            }
          }
        }
        await model.send("GET", address);
      }
    });

    test.each(["fs_edit", "wait"] as const)(
      "%s, though a person is at its card: above medium risk and as one of two it does not count",
      async (tool) => {
        const { decidable, status } = await approveOnCard(tool, CALLS[tool]);
        expect([decidable, status]).toEqual([false, 403]);
      },
    );
  });
});

/** They need what only an earlier answer has: a picture, a session, a file of the page. */
const ELSEWHERE = [
  "DELETE /mcp",
  "GET /artifacts/{artifact_id}",
  "GET /console/assets/{file}",
  "GET /console/{page}",
  "GET /console/{page}/{item}",
  "GET /docs/{file}",
  "GET /mcp",
  "POST /cards/decide",
  "POST /cards/open",
  "POST /cards/picture",
  "POST /cards/state",
  "POST /mcp",
  "POST /session/link",
];

/** What is looked at above would have shown it: an approval where a person gives one. */
describe("seen is a yes", () => {
  test("of an approver, by the very requests that no other key was granted", async () => {
    const operations = await operationsAt(`${gateway.url}/openapi.json`);
    const operation = operations.find(({ path }) => path === "/confirm");
    const target = world
      .targetsOf("api")
      .find(({ owner, kind }) => owner === "api" && kind === "high");
    if (operation === undefined || target === undefined) throw new Error("nothing to confirm");
    const approver = new Model(gateway, "approver");
    const statuses: number[] = [];
    for (const { address, body } of requestsOf(operation, target)) {
      statuses.push((await approver.send("POST", address, body)).status);
    }
    expect(statuses).toContain(200);
    await events.until("task_completed", target.task_id);
    const { task_id } = target;
    const seen = await world.check();
    expect(seen.filter((record) => record.includes("task.confirmed"))).toEqual([
      expect.stringContaining(task_id),
    ]);
    expect(await decisions()).toEqual(["task_confirmed"]);
    expect(await world.moved()).toMatchObject([{ task_id }]);
    expect(world.changedFiles()).toEqual([expect.stringContaining("/tmp/a.txt")]);
  });

  test("of the person at a trusted surface's card and dialog", async () => {
    const card = await approveOnCard("fs_write", { path: "/tmp/card.txt", content: "x" });
    expect([card.decidable, card.status]).toEqual([true, 200]);
    const options = { mode: "auto", elicits: true, answer: "approve" } as const;
    await using mcp = await connectAs(gateway, gateway.keys.trusted, options);
    await mcp.client.callTool({ name: "fs_list", arguments: { path: "/tmp" } });
    expect(mcp.questions).toHaveLength(1);
    const seen = await world.check();
    const confirmed = seen.filter((record) => record.includes("task.confirmed"));
    expect(confirmed).toEqual([
      expect.stringContaining('"via":"card"'),
      expect.stringContaining('"via":"elicitation"'),
    ]);
  });
});

/** What the page of the trusted key's card does where its person says yes. */
async function approveOnCard(tool: string, args: object) {
  const { token } = await awaitCard(gateway, tool, args, gateway.keys.trusted);
  const { session } = (await askCard<{ session: string }>(gateway, "open", { token })).body;
  const { plan_digest, decidable } = (await askCard<CardState>(gateway, "state", { session })).body
    .card;
  const { status } = await askCard(gateway, "decide", {
    session,
    plan_digest,
    decision: "approve",
  });
  return { decidable, status };
}

function everyCall(callers: readonly Model[], names: readonly string[]): readonly string[] {
  return callers.flatMap(({ key }) => names.map((name) => `${key} ${name}`)).sort();
}
