import type { AuditDraft } from "../contract/audit.ts";
import { GatewayError } from "../contract/errors.ts";
import type { Policy } from "../contract/policy.ts";
import { readPngSize } from "../lib/png.ts";
import type { Desktops } from "../tasks/desktops.ts";
import { lateDesktop } from "../tasks/late-desktop.ts";
import { createPersonIo } from "./person-io.ts";
import { refuseOthers } from "./takeover-denials.ts";
import type { Takeovers } from "./takeovers.ts";

export interface DesktopPicturesDeps {
  readonly desktops: Desktops;
  readonly takeovers: Pick<Takeovers, "isOthers" | "onChange">;
  readonly policy: () => Policy;
  readonly audit: { append(drafts: readonly AuditDraft[]): Promise<void> };
  /** ms since the epoch; for tests. */
  readonly now?: () => number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** ms for which a picture is fresh. */
const FRESH_MS = 400;
/** ms a desktop gets to show itself; a long action that is under way comes first. */
const CAPTURE_MS = 15_000;
/** ms for which one record says that somebody looks. */
const VIEW_MS = 10 * 60_000;

/** Pictures of desktops for people who watch: one capture at a time, whoever asks. */
export class DesktopPictures {
  readonly #deps: DesktopPicturesDeps;
  readonly #now: () => number;
  readonly #newest = new Map<string, { picture: Promise<Uint8Array>; at: number }>();
  readonly #sizes = new Map<string, Size>();
  /** By viewer and desktop, when it was last recorded. */
  readonly #views = new Map<string, { readonly recorded: Promise<void>; readonly at: number }>();

  constructor(deps: DesktopPicturesDeps) {
    this.#deps = deps;
    this.#now = deps.now ?? Date.now;
    // What was seen in a lease is not for whoever comes after it.
    deps.takeovers.onChange((desktop) => this.#newest.delete(desktop));
  }

  /** Of the newest picture. */
  sizeOf(desktop: string): Size | undefined {
    return this.#sizes.get(desktop);
  }

  /**
   * A PNG. Throws `state_changed` while another person has the desktop, `timeout` where it is busy
   * for too long, `audit_unavailable`, and what the driver rejects with.
   */
  async take(desktop: string, keyId: string): Promise<Uint8Array> {
    const { takeovers } = this.#deps;
    refuseOthers(takeovers, desktop, keyId);
    await this.recordView(keyId, desktop);
    refuseOthers(takeovers, desktop, keyId);
    const png = await this.#fresh(desktop, keyId);
    refuseOthers(takeovers, desktop, keyId);
    return png;
  }

  /** Commits that someone looks at a desktop, where that is not on record already. */
  async recordView(keyId: string, desktop: string): Promise<void> {
    const viewer = `${keyId} ${desktop}`;
    const now = this.#now();
    const last = this.#views.get(viewer);
    if (last !== undefined && now - last.at < VIEW_MS) return await last.recorded;
    for (const [name, { at }] of this.#views) if (now - at >= VIEW_MS) this.#views.delete(name);
    const time = new Date(now).toISOString();
    const record = { type: "desktop.viewed", key_id: keyId, time, details: { desktop } };
    const view = { recorded: this.#deps.audit.append([record]), at: now };
    this.#views.set(viewer, view);
    try {
      await view.recorded;
    } catch (error) {
      if (this.#views.get(viewer) === view) this.#views.delete(viewer);
      throw error;
    }
  }

  async #fresh(desktop: string, keyId: string): Promise<Uint8Array> {
    const newest = this.#newest.get(desktop);
    if (newest !== undefined && this.#now() - newest.at < FRESH_MS) return await newest.picture;
    const entry = { picture: this.#capture(desktop, keyId), at: Number.POSITIVE_INFINITY };
    this.#newest.set(desktop, entry);
    try {
      return await entry.picture;
    } catch (error) {
      if (this.#newest.get(desktop) === entry) this.#newest.delete(desktop);
      throw error;
    } finally {
      entry.at = this.#now();
    }
  }

  async #capture(desktop: string, keyId: string): Promise<Uint8Array> {
    const driver = this.#deps.desktops.get(desktop)?.driver;
    const availability = driver?.availability("screen.capture");
    if (driver === undefined || availability === undefined) {
      throw new GatewayError("not_found", "There is no such desktop.");
    }
    if (!availability.available) {
      const { code, reason, hint } = availability;
      throw new GatewayError(code, `There is no picture of this desktop: ${reason}`, { hint });
    }
    let png: Uint8Array | undefined;
    const signal = AbortSignal.timeout(CAPTURE_MS);
    const io = createPersonIo({
      keyId,
      signal,
      targetCheck: this.#deps.policy().target_check,
      onMade: ({ content }) => {
        png = content;
      },
    });
    const step = { action: "screen.capture", parameters: {}, risk: "low", bound: {} } as const;
    try {
      await driver.perform(step, io);
    } catch (error) {
      throw signal.aborted ? lateDesktop({ name: desktop, driver }, CAPTURE_MS, error) : error;
    }
    if (png === undefined) throw new Error("a capture has made no picture");
    this.#sizes.set(desktop, readPngSize(png));
    return png;
  }
}
