import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { ByteBotFile } from "../src/config/bytebot-file.ts";
import { ClientsFile } from "../src/config/clients.ts";
import { DesktopFile } from "../src/config/desktop-file.ts";
import { readJsonFile } from "../src/config/json-file.ts";
import { VARIABLE_NAMES } from "../src/config/variables.ts";
import { WebhooksFile } from "../src/config/webhooks.ts";

const root = dirname(import.meta.dirname);
const config = (name: string) => join(root, "config", name);

test("the example files are valid", () => {
  expect(readJsonFile(config("clients.example.json"), ClientsFile)).toBeDefined();
  expect(readJsonFile(config("bytebot.example.json"), ByteBotFile)).toBeDefined();
  expect(readJsonFile(config("bytebot.desktops.example.json"), ByteBotFile)).toBeDefined();
  expect(readJsonFile(config("desktop.example.json"), DesktopFile)).toBeDefined();
  expect(readJsonFile(config("webhooks.example.json"), WebhooksFile)).toBeDefined();
});

test(".env.example describes every variable, and no other", () => {
  const named = [
    ...readFileSync(join(root, ".env.example"), "utf8").matchAll(/^# ([A-Z_]+)=/gm),
  ].map(([, name]) => name ?? "");
  expect(named.filter((name) => !VARIABLE_NAMES.includes(name))).toEqual([]);
  const missing = VARIABLE_NAMES.filter(
    (name) => !name.endsWith("_FILE") && !named.some((each) => each.replace(/_FILE$/, "") === name),
  );
  expect(missing).toEqual([]);
});
