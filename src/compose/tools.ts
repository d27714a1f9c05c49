import type { Artifacts } from "../artifacts/artifacts.ts";
import { type ViewedDesktop, viewCapabilities } from "../capabilities/capability-views.ts";
import { capabilities } from "../capabilities/registry.ts";
import type { Principal } from "../contract/principal.ts";
import type { CapabilitiesView } from "../contract/service.ts";
import type { EventStore } from "../events/event-store.ts";
import { VERSION } from "../lib/version.ts";
import { Mcp } from "../mcp/mcp.ts";
import type { PolicySource } from "../policy/policy-source.ts";
import type { Desktops } from "../tasks/desktops.ts";
import type { TaskEngine } from "../tasks/task-engine.ts";
import { Cards } from "../tools/cards/cards.ts";
import { TaskFeed } from "../tools/task-feed.ts";
import { ToolList } from "../tools/tool-list.ts";
import { ToolRunner } from "../tools/tool-runner.ts";
import type { Foundation } from "./foundation.ts";

export interface ToolsDeps {
  readonly tasks: TaskEngine;
  readonly events: Pick<EventStore, "onCommitted">;
  readonly artifacts: Artifacts;
  readonly desktops: Desktops;
  readonly policy: PolicySource;
  readonly findPrincipal: (keyId: string) => Principal | undefined;
}

/** Actions as tools for models: over HTTP with cards, and over MCP. */
export interface Tools extends AsyncDisposable {
  readonly list: ToolList;
  readonly runner: ToolRunner;
  readonly cards: Cards;
  readonly mcp: Mcp;
  /** What a caller may do, action by action. */
  capabilitiesOf(principal: Principal | undefined): CapabilitiesView;
}

export function openTools({ address, log }: Foundation, deps: ToolsDeps): Tools {
  const { tasks, events, artifacts, desktops, policy, findPrincipal } = deps;
  const building = new AsyncDisposableStack();
  const capabilitiesOf = (principal: Principal | undefined) =>
    viewCapabilities(capabilities, policy.current, desktopsOf(desktops, principal), principal);
  const feed = building.use(new TaskFeed((listener) => events.onCommitted(listener)));
  const cards = new Cards({ tasks, feed, findPrincipal, publicUrl: () => address.publicUrl });
  const list = new ToolList({ registry: capabilities, capabilities: capabilitiesOf });
  const runner = new ToolRunner({ tasks, list, feed });
  const mcp = building.use(
    new Mcp({ version: VERSION, log, list, runner, tasks, feed, artifacts, findPrincipal }),
  );
  return {
    list,
    runner,
    cards,
    mcp,
    capabilitiesOf,
    [Symbol.asyncDispose]: () => building.disposeAsync(),
  };
}

/** What a caller may use; a stranger is told of all, without their names. */
function desktopsOf(desktops: Desktops, principal: Principal | undefined): ViewedDesktop[] {
  const seen = principal === undefined ? desktops.all : desktops.of(principal);
  return seen.map(({ name, driver }) => ({
    name,
    availability: (action) => driver.availability(action),
  }));
}
