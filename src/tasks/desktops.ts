import { GatewayError } from "../contract/errors.ts";
import type { Principal } from "../contract/principal.ts";
import type { Driver } from "./driver.ts";

/** A desktop by its name, with what drives it. */
export interface NamedDesktop {
  readonly name: string;
  readonly driver: Driver;
  /** Keys that may use it; null: every key. */
  readonly keys: ReadonlySet<string> | null;
}

/** The desktops of this gateway; the first is the one a plan means that names none. */
export class Desktops {
  readonly #desktops: ReadonlyMap<string, NamedDesktop>;

  constructor(desktops: readonly [NamedDesktop, ...NamedDesktop[]]) {
    this.#desktops = new Map(desktops.map((desktop) => [desktop.name, desktop]));
  }

  get all(): readonly NamedDesktop[] {
    return [...this.#desktops.values()];
  }

  get(name: string): NamedDesktop | undefined {
    return this.#desktops.get(name);
  }

  /** Those a key may use. */
  of(principal: Principal): readonly NamedDesktop[] {
    return this.all.filter((desktop) => findDenial(desktop, principal) === undefined);
  }

  /**
   * The desktop a key asks for, else the first it may use. Throws `invalid_request` for one that is
   * not there, `scope_missing` for one that is not the key's.
   */
  find(principal: Principal, asked: string | undefined): NamedDesktop {
    const desktop = asked === undefined ? (this.of(principal)[0] ?? this.all[0]) : this.get(asked);
    if (desktop === undefined) {
      const known = this.of(principal).map(({ name }) => name);
      throw new GatewayError("invalid_request", `There is no desktop ${JSON.stringify(asked)}.`, {
        hint: `Known desktops: ${known.join(", ")}.`,
      });
    }
    const denial = findDenial(desktop, principal);
    if (denial !== undefined) throw denial;
    return desktop;
  }
}

/** Why a key may not decide on what is planned for a desktop, or undefined where it may. */
export function findDecisionDenial(desktop: string, { keyId, desktops }: Principal) {
  if (desktops === null || desktops.has(desktop)) return undefined;
  return new GatewayError(
    "scope_missing",
    `Key ${keyId} may not decide on desktop ${JSON.stringify(desktop)} (desktops of the key in config/clients.json).`,
    { hint: "An approver decides whose key names that desktop, or names none." },
  );
}

/** Why a key may not use a desktop, or undefined where it may. */
export function findDenial(desktop: NamedDesktop, principal: Principal): GatewayError | undefined {
  const { name, keys } = desktop;
  const byKey = principal.desktops === null || principal.desktops.has(name);
  const byDesktop = keys === null || keys.has(principal.keyId);
  if (byKey && byDesktop) return undefined;
  const rule = byKey
    ? "keys of the desktop in config/bytebot.json"
    : "desktops of the key in config/clients.json";
  return new GatewayError(
    "scope_missing",
    `Key ${principal.keyId} may not use desktop ${JSON.stringify(name)} (${rule}).`,
    { hint: "Name another desktop, or let the operator add it." },
  );
}
