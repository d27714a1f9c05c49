import { expect, test } from "vitest";
import { capabilities } from "../../capabilities/registry.ts";
import { findCapability } from "./step-check.ts";

test("an unknown action suggests the nearest, or else lists what there is", () => {
  expect(() => findCapability(capabilities, "fs.raed")).toThrow(
    expect.objectContaining({
      code: "capability_unknown",
      extras: { hint: expect.stringMatching(/^Did you mean fs\.read\?/) },
    }),
  );
  expect(() => findCapability(capabilities, "teleport.somewhere.else")).toThrow(
    expect.objectContaining({ extras: { hint: expect.stringContaining("fs.read, fs.list") } }),
  );
});
