import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/**
 * An authenticator in software, as a browser would show it to a page: one ES256 passkey that always
 * finds its user present and verified (WebAuthn Level 3, sections 6.1 and 6.5).
 */
export class SoftwareAuthenticator {
  readonly id = randomBytes(32).toString("base64url");
  readonly #origin: () => string;
  readonly #keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  #rpId = "";
  #handle = "";
  #counter = 0;

  /** `origin`: of the page that the browser shows. */
  constructor(origin: () => string) {
    this.#origin = origin;
  }

  /** What the browser answers to navigator.credentials.create. */
  create(options: Record<string, unknown>) {
    const { challenge, rp, user } = options as unknown as CreationOptions;
    this.#rpId = rp.id;
    this.#handle = user.id;
    const flags = FLAGS.present | FLAGS.verified | FLAGS.attested;
    const credentialId = Buffer.from(this.id, "base64url");
    const authData = Buffer.concat([
      this.#authenticatorData(flags),
      Buffer.alloc(16),
      Buffer.from([credentialId.length >> 8, credentialId.length & 0xff]),
      credentialId,
      coseKey(this.#keys.publicKey),
    ]);
    const attestationObject = cborMap([
      [cborText("fmt"), cborText("none")],
      [cborText("attStmt"), cborMap([])],
      [cborText("authData"), cborBytes(authData)],
    ]);
    return {
      id: this.id,
      rawId: this.id,
      type: "public-key" as const,
      clientExtensionResults: {},
      response: {
        clientDataJSON: this.#clientData("webauthn.create", challenge),
        attestationObject: attestationObject.toString("base64url"),
        transports: ["internal"],
      },
    };
  }

  /** What the browser answers to navigator.credentials.get; `flags` in place of present and verified. */
  get(options: Record<string, unknown>, flags: number = FLAGS.present | FLAGS.verified) {
    const { challenge } = options as { challenge: string };
    this.#counter++;
    const authenticatorData = this.#authenticatorData(flags);
    const clientDataJSON = this.#clientData("webauthn.get", challenge);
    const clientHash = sha256(Buffer.from(clientDataJSON, "base64url"));
    const signature = sign(
      "sha256",
      Buffer.concat([authenticatorData, clientHash]),
      this.#keys.privateKey,
    );
    return {
      id: this.id,
      rawId: this.id,
      type: "public-key" as const,
      clientExtensionResults: {},
      response: {
        clientDataJSON,
        authenticatorData: authenticatorData.toString("base64url"),
        signature: signature.toString("base64url"),
        userHandle: this.#handle,
      },
    };
  }

  #authenticatorData(flags: number): Buffer {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(this.#counter);
    return Buffer.concat([sha256(Buffer.from(this.#rpId)), Buffer.from([flags]), counter]);
  }

  #clientData(type: string, challenge: string): string {
    const data = { type, challenge, origin: this.#origin(), crossOrigin: false };
    return Buffer.from(JSON.stringify(data)).toString("base64url");
  }
}

interface CreationOptions {
  readonly challenge: string;
  readonly rp: { readonly id: string };
  readonly user: { readonly id: string };
}

/** Bits of the authenticator data's flags. */
export const FLAGS = { present: 1, verified: 4, attested: 64 } as const;

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

/** RFC 9053, section 7.1.1: an EC2 key for ES256. */
function coseKey(key: KeyObject): Buffer {
  const { x = "", y = "" } = key.export({ format: "jwk" });
  return cborMap([
    [cborInteger(1), cborInteger(2)],
    [cborInteger(3), cborInteger(-7)],
    [cborInteger(-1), cborInteger(1)],
    [cborInteger(-2), cborBytes(Buffer.from(x, "base64url"))],
    [cborInteger(-3), cborBytes(Buffer.from(y, "base64url"))],
  ]);
}

/** RFC 8949, as far as the above needs it. */
function cborHead(major: number, value: number): Buffer {
  if (value < 24) return Buffer.from([(major << 5) | value]);
  if (value < 256) return Buffer.from([(major << 5) | 24, value]);
  return Buffer.from([(major << 5) | 25, value >> 8, value & 0xff]);
}

const cborInteger = (value: number) => (value < 0 ? cborHead(1, -1 - value) : cborHead(0, value));
const cborText = (text: string) => Buffer.concat([cborHead(3, text.length), Buffer.from(text)]);
const cborBytes = (bytes: Uint8Array) => Buffer.concat([cborHead(2, bytes.length), bytes]);
const cborMap = (entries: readonly (readonly [Buffer, Buffer])[]) =>
  Buffer.concat([cborHead(5, entries.length), ...entries.flat()]);
