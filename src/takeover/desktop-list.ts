import type { DesktopList, DesktopView, LiveView } from "../contract/desktop.ts";
import type { Principal } from "../contract/principal.ts";
import { desktopLock } from "../tasks/desktop-locks.ts";
import { type Desktops, findDecisionDenial, type NamedDesktop } from "../tasks/desktops.ts";
import type { Driver } from "../tasks/driver.ts";
import type { LockManager } from "../tasks/scheduler.ts";
import type { DesktopPictures } from "./desktop-pictures.ts";
import type { Takeovers } from "./takeovers.ts";

export interface DesktopListDeps {
  readonly desktops: Desktops;
  readonly takeovers: Pick<Takeovers, "find" | "of">;
  readonly pictures: Pick<DesktopPictures, "sizeOf">;
  readonly lockManager: Pick<LockManager, "holder">;
}

type Health = Awaited<ReturnType<Driver["health"]>>;

/** ms for which what a desktop said of its health is believed. */
const HEALTH_MS = 3000;

/** The desktops as those who watch them see them. */
export class DesktopLists {
  readonly #deps: DesktopListDeps;
  readonly #health = new Map<string, { readonly health: Promise<Health>; readonly at: number }>();

  constructor(deps: DesktopListDeps) {
    this.#deps = deps;
  }

  /** Those that the principal's key does not leave out. */
  async of(principal: Principal, sessionId: string | undefined): Promise<DesktopList> {
    const seen = this.#deps.desktops.all.filter(
      ({ name }) => findDecisionDenial(name, principal) === undefined,
    );
    return { desktops: await Promise.all(seen.map((desktop) => this.#view(desktop, sessionId))) };
  }

  async #view({ name, driver }: NamedDesktop, sessionId: string | undefined): Promise<DesktopView> {
    const { takeovers, pictures, lockManager } = this.#deps;
    const capture = driver.availability("screen.capture");
    const problem = capture.available
      ? await this.#healthOf(name, driver)
      : { detail: capture.reason, hint: capture.hint };
    // Read after what takes time, so that all of it is of one moment.
    const lease = takeovers.find(name);
    const screen = pictures.sizeOf(name);
    const busyWith = lockManager.holder(desktopLock(name));
    return {
      name,
      driver: driver.name,
      available: problem === undefined,
      ...(problem !== undefined && { reason: problem.detail, hint: problem.hint }),
      ...(screen !== undefined && { screen }),
      live: liveView(driver, capture.available),
      ...(busyWith !== undefined && { busy_with: busyWith }),
      ...(lease !== undefined && {
        lease: {
          person_id: lease.holder.personId,
          name: lease.holder.name,
          until: new Date(lease.until).toISOString(),
          mine: takeovers.of(name, sessionId) !== undefined,
        },
      }),
    };
  }

  #healthOf(name: string, driver: Driver): Promise<Health> {
    const kept = this.#health.get(name);
    if (kept !== undefined && performance.now() - kept.at < HEALTH_MS) return kept.health;
    const health = driver.health();
    this.#health.set(name, { health, at: performance.now() });
    return health;
  }
}

function liveView(driver: Driver, hasScreen: boolean): LiveView {
  if (driver.openVnc !== undefined) return "vnc";
  return hasScreen ? "picture" : "none";
}
