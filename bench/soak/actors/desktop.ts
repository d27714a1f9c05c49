import type { Actor } from "../actor.ts";
import { isOneIn, oneOf, random, type World } from "../world.ts";
import { execute, plan } from "./tasks.ts";

/** Those who use the embedded desktop: pictures, clicks with their previews, typing, a browser. */
export const DESKTOP_ACTORS: readonly Actor[] = [
  { name: "clicker", count: 1, thinkMs: 2000, act: click },
  { name: "capturer", count: 1, thinkMs: 2000, act: capture },
  { name: "browser", count: 1, thinkMs: 30_000, act: openPage },
];

/** They wait for a person, and for whoever has the desktop. */
const PURPOSE = ["execute an input", "execute a capture", "open a page"];

async function click(world: World): Promise<void> {
  for (const kind of PURPOSE) world.meter.waitsOnPurpose(kind);
  const key = world.keys.clicker;
  const coordinates = { x: Math.floor(random(0, 1200)), y: Math.floor(random(0, 900)) };
  const [action, parameters] = oneOf<[string, unknown]>([
    ["mouse.click", { coordinates }],
    ["mouse.click", { coordinates }],
    ["mouse.scroll", { direction: "down", scroll_count: 3, coordinates }],
    ["mouse.move", { coordinates }],
    ["keyboard.type", { text: "some words of a soak" }],
    ["keyboard.paste", { text: "pasted words ".repeat(20) }],
    ["screen.cursor", {}],
  ]);
  const kind = action.startsWith("mouse.") ? "plan a click" : "plan an input";
  const task = await plan(world, kind, key, action, parameters);
  if (task === undefined) return;
  const wait = isOneIn(5) ? 0 : 10;
  await execute(world, wait === 0 ? "execute at once" : "execute an input", key, task, wait);
}

async function capture(world: World): Promise<void> {
  const key = world.keys.default;
  const task = await plan(world, "plan a capture", key, "screen.capture", {});
  if (task === undefined) return;
  const answer = await execute(world, "execute a capture", key, task, 20);
  const picture = answer?.status === 200 ? answer.json().artifacts?.[0] : undefined;
  if (picture !== undefined) {
    await world.ask("read a picture", "GET", `/artifacts/${picture.id}`, { key });
  }
}

async function openPage(world: World): Promise<void> {
  const key = world.keys.clicker;
  const parameters = { url: world.pageUrl };
  const task = await plan(world, "plan a page", key, "browser.open", parameters);
  if (task !== undefined) await execute(world, "open a page", key, task, 60);
}
