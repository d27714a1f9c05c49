import { GatewayError } from "../contract/errors.ts";
import type { AuthenticationResponse, RegistrationResponse } from "../contract/people.ts";
import type { PasskeyRecord } from "./people-store.ts";

/** What a browser's answer is held against. */
export interface Expected {
  /** base64url */
  readonly challenge: string;
  readonly origin: string;
  readonly rpId: string;
}

/** ms a browser gives its user. */
const TIMEOUT_MS = 5 * 60_000;
/** Ed25519, ES256, RS256 (IANA COSE Algorithms). */
const ALGORITHMS = [-8, -7, -257];
const RP_NAME = "ByteBot Gateway";

/** Large, and only needed where somebody signs in. */
const library = () => import("@simplewebauthn/server");

/** For navigator.credentials.create. Passkeys are discoverable, and ask for a PIN or a finger. */
export async function creationOptions(options: {
  readonly rpId: string;
  readonly challenge: Uint8Array<ArrayBuffer>;
  readonly handle: string;
  readonly name: string;
  readonly existing: readonly PasskeyRecord[];
}): Promise<Record<string, unknown>> {
  const { generateRegistrationOptions } = await library();
  return {
    ...(await generateRegistrationOptions({
      rpName: RP_NAME,
      rpID: options.rpId,
      userName: options.name,
      userDisplayName: options.name,
      userID: bytesOf(options.handle),
      challenge: options.challenge,
      timeout: TIMEOUT_MS,
      attestationType: "none",
      supportedAlgorithmIDs: ALGORITHMS,
      excludeCredentials: options.existing.map(({ id }) => ({ id })),
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
    })),
  };
}

/** For navigator.credentials.get; without `allowed` any passkey of this host will do. */
export async function requestOptions(options: {
  readonly rpId: string;
  readonly challenge: Uint8Array<ArrayBuffer>;
  readonly allowed?: readonly PasskeyRecord[];
}): Promise<Record<string, unknown>> {
  const { generateAuthenticationOptions } = await library();
  return {
    ...(await generateAuthenticationOptions({
      rpID: options.rpId,
      challenge: options.challenge,
      timeout: TIMEOUT_MS,
      userVerification: "required",
      ...(options.allowed && { allowCredentials: options.allowed.map(({ id }) => ({ id })) }),
    })),
  };
}

/** Throws `signature_invalid`. */
export async function verifyCreation(
  response: RegistrationResponse,
  expected: Expected,
): Promise<Pick<PasskeyRecord, "id" | "public_key" | "counter" | "transports">> {
  const { verifyRegistrationResponse } = await library();
  const { verified, registrationInfo } = await orRefuse(
    verifyRegistrationResponse({
      response: response as Parameters<typeof verifyRegistrationResponse>[0]["response"],
      expectedChallenge: expected.challenge,
      expectedOrigin: expected.origin,
      expectedRPID: expected.rpId,
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    }),
  );
  if (!verified || registrationInfo === undefined) throw refused();
  const { id, publicKey, counter } = registrationInfo.credential;
  return {
    id,
    public_key: Buffer.from(publicKey).toString("base64url"),
    counter,
    transports: response.response.transports ?? [],
  };
}

/** Resolves with the authenticator's new counter. Throws `signature_invalid`. */
export async function verifyUse(
  response: AuthenticationResponse,
  expected: Expected,
  passkey: PasskeyRecord,
): Promise<number> {
  const { verifyAuthenticationResponse } = await library();
  const { verified, authenticationInfo } = await orRefuse(
    verifyAuthenticationResponse({
      response: response as Parameters<typeof verifyAuthenticationResponse>[0]["response"],
      expectedChallenge: expected.challenge,
      expectedOrigin: expected.origin,
      expectedRPID: expected.rpId,
      requireUserVerification: true,
      credential: {
        id: passkey.id,
        publicKey: bytesOf(passkey.public_key),
        counter: passkey.counter,
      },
    }),
  );
  if (!verified) throw refused();
  return authenticationInfo.newCounter;
}

/** The library says what is wrong as an error of its own, and of what the browser sent. */
async function orRefuse<Verdict>(verdict: Promise<Verdict>): Promise<Verdict> {
  try {
    return await verdict;
  } catch (cause) {
    throw refused(cause);
  }
}

export function refused(cause?: unknown): GatewayError {
  return new GatewayError(
    "signature_invalid",
    "This passkey was not accepted.",
    { hint: "Try again; a passkey works under the address it was made at, and for its person." },
    cause,
  );
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "base64url"));
}
