import type { Logger } from "pino";
import type { AuditStore } from "../audit/audit-store.ts";
import { capabilities } from "../capabilities/registry.ts";
import type { Policy } from "../contract/policy.ts";
import type { People } from "../people/people.ts";
import { DesktopLists } from "../takeover/desktop-list.ts";
import { DesktopPictures } from "../takeover/desktop-pictures.ts";
import { TakeoverInput } from "../takeover/takeover-input.ts";
import { Takeovers } from "../takeover/takeovers.ts";
import type { Desktops } from "../tasks/desktops.ts";
import type { Handovers } from "../tasks/execute/handovers.ts";
import type { LockManager } from "../tasks/scheduler.ts";
import type { StopSwitch } from "../tasks/stop-switch.ts";
import type { SettingStore } from "../tasks/task-store.ts";
import { VncProxy } from "../vnc/vnc-proxy.ts";

export interface TakeoversDeps {
  readonly desktops: Desktops;
  readonly lockManager: LockManager;
  readonly handovers: Handovers;
  readonly settings: SettingStore;
  readonly audit: Pick<AuditStore, "append">;
  readonly stopSwitch: StopSwitch;
  readonly people: Pick<People, "isSignedIn" | "origins">;
  readonly policy: () => Policy;
  readonly log: Logger;
}

/** What people do at desktops themselves: watch them, and take them over. */
export async function openTakeovers(deps: TakeoversDeps) {
  const { desktops, lockManager, handovers, settings, audit, stopSwitch, people, policy, log } =
    deps;
  const isSignedIn = (sessionId: string) => people.isSignedIn(sessionId);
  const takeovers = new Takeovers({
    settings,
    lockManager,
    desktops,
    handovers,
    stopped: () => stopSwitch.stopped,
    isSignedIn,
    onError: (err, desktop) => log.error({ err, desktop }, "the end of a takeover is not recorded"),
  });
  await takeovers.recover();
  const pictures = new DesktopPictures({ desktops, takeovers, policy, audit });
  const vnc = new VncProxy({
    desktops,
    takeovers,
    isSignedIn,
    recordView: (keyId, desktop) => pictures.recordView(keyId, desktop),
    audit,
    log,
  });
  stopSwitch.onStopped((keyId) => takeovers.endAll("stopped", keyId));
  return {
    isKnown: (name: string) => desktops.get(name) !== undefined,
    isOwnOrigin: (origin: string | undefined) => people.origins.isOwn(origin),
    lists: new DesktopLists({ desktops, takeovers, pictures, lockManager }),
    pictures,
    takeovers,
    input: new TakeoverInput({ takeovers, desktops, capabilities, policy, audit }),
    vnc,
    [Symbol.asyncDispose]: () => takeovers[Symbol.asyncDispose](),
  };
}
