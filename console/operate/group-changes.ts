import type { DryRunView } from "../../src/contract/operate.ts";

type Change = DryRunView["changed"][number];

/** Changes that a person reads as one: the same action comes from the same to the same by one rule. */
export interface ChangeGroup {
  readonly id: string;
  readonly direction: Change["direction"];
  readonly action: string;
  readonly rule: string;
  readonly changes: readonly [Change, ...Change[]];
}

/** What needs a look most comes first. */
const ORDER: readonly Change["direction"][] = ["laxer", "mixed", "stricter"];

export function groupChanges(changed: readonly Change[]): ChangeGroup[] {
  const groups = new Map<string, [Change, ...Change[]]>();
  for (const change of changed) {
    const id = JSON.stringify([
      change.direction,
      change.action,
      change.rule,
      short(change.before),
      short(change.after),
    ]);
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [change]);
    else group.push(change);
  }
  return [...groups]
    .map(([id, changes]) => {
      const [{ direction, action, rule }] = changes;
      return { id, direction, action, rule, changes };
    })
    .sort(
      (one, other) =>
        ORDER.indexOf(one.direction) - ORDER.indexOf(other.direction) ||
        other.changes.length - one.changes.length,
    );
}

function short({ effect, risk, mode, approvals, code }: Change["before"]) {
  return [effect, risk, mode, approvals, code];
}
