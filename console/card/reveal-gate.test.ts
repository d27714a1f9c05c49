import { describe, expect, it } from "vitest";
import { RevealGate, SETTLE_MS } from "./reveal-gate.ts";

function gateAt() {
  let now = 1000;
  const gate = new RevealGate(() => now);
  const pass = (ms: number) => {
    now += ms;
    gate.update();
  };
  /** As a person who looks at each piece. */
  const look = (...ids: string[]) => {
    for (const id of ids) gate.view(id, true);
    pass(SETTLE_MS);
    for (const id of ids) gate.view(id, false);
  };
  for (const id of ["head", "step", "end"]) gate.add(id);
  gate.update();
  return { gate, pass, look };
}

describe("I8 the reveal gate", () => {
  it("opens once every piece was in view, whatever the order", () => {
    const { gate, look } = gateAt();
    look("end", "head");
    expect(gate.state()).toMatchObject({ revealed: false, seen: 2, total: 3 });
    expect(gate.arm()).toBe(false);
    look("step");
    expect(gate.state().revealed).toBe(true);
    expect(gate.arm()).toBe(true);
  });

  it("does not take a piece that flew by for seen", () => {
    const { gate, pass } = gateAt();
    gate.view("step", true);
    pass(60);
    gate.view("step", false);
    pass(SETTLE_MS);
    expect(gate.isSeen("step")).toBe(false);
  });

  it("does not take for seen what was in view while the page was in the back", () => {
    const { gate, pass } = gateAt();
    gate.view("step", true);
    gate.hide();
    pass(SETTLE_MS);
    expect(gate.isSeen("step")).toBe(false);
  });

  it("a plan without a single piece is not revealed", () => {
    const gate = new RevealGate(() => 10_000);
    expect(gate.state().revealed).toBe(false);
  });

  it("what cannot be shown cannot be approved, however much else was seen", () => {
    const { gate, look } = gateAt();
    gate.fail();
    look("head", "step", "end");
    expect(gate.state()).toMatchObject({ revealed: false, broken: true });
    expect(gate.arm()).toBe(false);
  });

  it("takes nothing within half a second of appearing, of a change, and of the first act", () => {
    const { gate, pass, look } = gateAt();
    look("head", "step", "end");
    gate.disturb();
    pass(SETTLE_MS - 1);
    expect(gate.arm()).toBe(false);
    pass(1);
    expect(gate.arm()).toBe(true);
    pass(SETTLE_MS - 1);
    expect(gate.confirm()).toBe(false);
    expect(gate.state().armed).toBe(true);
    pass(1);
    expect(gate.confirm()).toBe(true);
  });

  it("confirms nothing without the first act, and nothing twice", () => {
    const { gate, pass, look } = gateAt();
    look("head", "step", "end");
    expect(gate.confirm()).toBe(false);
    gate.arm();
    pass(SETTLE_MS);
    expect([gate.confirm(), gate.confirm()]).toEqual([true, false]);
    pass(SETTLE_MS);
    expect(gate.confirm()).toBe(false);
  });

  it("a change takes the first act back, and a new piece must be seen too", () => {
    const { gate, pass, look } = gateAt();
    look("head", "step", "end");
    gate.arm();
    gate.add("second approval");
    gate.disturb();
    pass(SETTLE_MS);
    expect(gate.confirm()).toBe(false);
    expect(gate.state()).toMatchObject({ revealed: false, armed: false });
    look("second approval");
    expect(gate.state().revealed).toBe(true);
  });

  it("says when time alone will change it", () => {
    const { gate, pass } = gateAt();
    expect(gate.nextChange()).toBe(SETTLE_MS);
    gate.view("step", true);
    expect(gate.nextChange()).toBeLessThan(SETTLE_MS);
    pass(SETTLE_MS);
    expect(gate.nextChange()).toBeUndefined();
  });
});
