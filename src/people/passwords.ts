import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import { GatewayError } from "../contract/errors.ts";

/** 32 MiB and about 0.3 s each (OWASP, Password Storage Cheat Sheet: N=2^15, r=8, p=3). */
const COST = { N: 2 ** 15, r: 8, p: 3 };
const KEY_BYTES = 32;
const SALT_BYTES = 16;
/** Hashes computed at the same time, and waiting for that: each takes its memory. */
const AT_ONCE = 2;
const MAX_WAITING = 8;

/** Hashes and checks passwords, few at a time whoever asks. */
export class Passwords {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** What is kept of a password: `scrypt$N$r$p$salt$key`. Rejects with `rate_limited`. */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    const key = await this.#derive(password, salt, COST);
    return keptForm(salt, key);
  }

  /** Takes as long where there is nothing to compare with. Rejects with `rate_limited`. */
  async verify(password: string, kept: string | undefined): Promise<boolean> {
    const [scheme, N, r, p, salt = "", expected = ""] = (kept ?? NOBODYS).split("$");
    const key = await this.#derive(password, Buffer.from(salt, "base64url"), {
      N: Number(N),
      r: Number(r),
      p: Number(p),
    });
    const same = timingSafeEqual(key, Buffer.from(expected, "base64url"));
    return same && scheme === "scrypt" && kept !== undefined;
  }

  async #derive(password: string, salt: Uint8Array, cost: typeof COST): Promise<Buffer> {
    await this.#begin();
    try {
      // One form for what looks the same, whichever keyboard it was typed on (NIST SP 800-63B).
      return await derive(password.normalize("NFKC"), salt, {
        ...cost,
        maxmem: 256 * cost.N * cost.r,
      });
    } finally {
      const next = this.#waiting.shift();
      // Who waited takes this one's place.
      if (next === undefined) this.#running--;
      else next();
    }
  }

  async #begin(): Promise<void> {
    if (this.#running >= AT_ONCE) {
      if (this.#waiting.length >= MAX_WAITING) {
        throw new GatewayError("rate_limited", "Too many passwords are being checked.", {
          retry_after: 2,
          hint: "Try again in a moment, or sign in with a passkey.",
        });
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
  }
}

function keptForm(salt: Buffer, key: Buffer): string {
  const { N, r, p } = COST;
  return ["scrypt", N, r, p, salt.toString("base64url"), key.toString("base64url")].join("$");
}

/** Compared with in place of a password that is not there, so that both take as long. */
const NOBODYS = keptForm(randomBytes(SALT_BYTES), randomBytes(KEY_BYTES));

function derive(password: string, salt: Uint8Array, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    scrypt(password, salt, KEY_BYTES, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    ),
  );
}
