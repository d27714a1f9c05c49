import { expect } from "vitest";
import type { TaskView } from "../../src/contract/task.ts";
import type { CardOpenView, CardState } from "../../src/tools/cards/card-messages.ts";
import { extrasFor } from "./cannot-confirm-arguments.ts";
import type { Model } from "./cannot-confirm-model.ts";
import type { Target } from "./cannot-confirm-targets.ts";

/**
 * Reads an address, and sends it a yes to the task that it is about, or to `waiting`: with the key
 * and without. With a card's link it does besides all that the card's page can do.
 *
 * @returns what it led to
 */
export async function follow(model: Model, url: URL, waiting: Target): Promise<string> {
  const { task_id, plan_digest } = { ...waiting, ...(await taskOf(model, url)) };
  const address = url.pathname + url.search;
  const yes = { task_id, plan_digest, decision: "approve" };
  for (const credentials of [model.credentials, {}]) {
    await model.send("GET", address, undefined, credentials);
    for (const body of [yes, extrasFor({ ...waiting, task_id, plan_digest })]) {
      await model.send("POST", address, body, credentials);
    }
  }
  if (url.hash !== "") return visitCard(model, url.hash.slice(1));
  return url.pathname.replace(/_[\w-]{22}$/, "_");
}

async function taskOf(model: Model, url: URL): Promise<Partial<TaskView>> {
  const [id] = url.pathname.match(/task_[\w-]{22}/) ?? [];
  if (id === undefined) return {};
  const { status, text } = await model.send("GET", `/tasks/${id}`);
  return status === 200 ? (JSON.parse(text) as TaskView) : {};
}

async function visitCard(model: Model, token: string): Promise<string> {
  const opened = await model.send("POST", "/cards/open", { token }, {});
  const { session } = JSON.parse(opened.text) as Partial<CardOpenView>;
  if (session === undefined) return "a card that is over";
  const shown = await model.send("POST", "/cards/state", { session }, {});
  const { plan_digest, decidable } = (JSON.parse(shown.text) as CardState).card;
  expect(decidable).toBe(false);
  for (const credentials of [{}, model.credentials]) {
    const body = { session, plan_digest, decision: "approve" };
    expect((await model.send("POST", "/cards/decide", body, credentials)).status).toBe(403);
  }
  return "a card";
}
