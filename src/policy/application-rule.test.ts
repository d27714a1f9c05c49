import { expect, test } from "vitest";
import { applicationRuleProblem, matchApplication } from "./application-rule.ts";

test("I1 an application is allowed by its exact name", () => {
  expect(matchApplication("firefox", ["firefox"])).toEqual({ rule: "firefox" });
  for (const name of ["Firefox", "firefox ", "firefox-esr", "/usr/bin/firefox", "", "__proto__"]) {
    expect(matchApplication(name, ["firefox"])).toHaveProperty("problem");
  }
});

test("entries are names", () => {
  expect(applicationRuleProblem("firefox")).toBeUndefined();
  for (const rule of ["/usr/bin/firefox", "*", "a b", "-x"]) {
    expect(applicationRuleProblem(rule)).toBeDefined();
  }
});
