import {
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  startAuthentication,
  startRegistration,
} from "@simplewebauthn/browser";
import type {
  Assertion,
  CeremonyView,
  RegistrationResponse,
  SessionView,
} from "../../src/contract/people.ts";
import type { ConfirmRequest } from "../../src/contract/requests.ts";
import type { TaskView } from "../../src/contract/task.ts";
import { isProblem } from "./problem.ts";
import { service } from "./service.ts";

/** Asks the browser for a new passkey. */
export async function makePasskey(options: unknown): Promise<RegistrationResponse> {
  const optionsJSON = options as PublicKeyCredentialCreationOptionsJSON;
  const made: unknown = await startRegistration({ optionsJSON });
  return trimmed(made as RegistrationResponse, [
    "clientDataJSON",
    "attestationObject",
    "transports",
  ]);
}

/** Asks the browser to sign with a passkey. */
export async function signWithPasskey({ ceremony, options }: CeremonyView): Promise<Assertion> {
  const optionsJSON = options as unknown as PublicKeyCredentialRequestOptionsJSON;
  const used: unknown = await startAuthentication({ optionsJSON });
  const response = trimmed(used as Assertion["response"], [
    "clientDataJSON",
    "authenticatorData",
    "signature",
    "userHandle",
  ]);
  return { ceremony, response };
}

export async function signInWithPasskey(): Promise<SessionView> {
  return service.signInWithPasskey(await signWithPasskey(await service.passkeyOptions()));
}

export async function addPasskey(name: string | undefined) {
  const { ceremony, options } = await service.newPasskeyOptions();
  const response = await makePasskey(options);
  return service.addPasskey({ ceremony, response, ...(name && { name }) });
}

/** Decides; where policy asks for a fresh touch of a passkey, for that first. */
export async function decide(body: ConfirmRequest): Promise<TaskView> {
  try {
    return await service.confirm(body);
  } catch (error) {
    if (!asksForTouch(error)) throw error;
    const assertion = await signWithPasskey(
      await service.challenge(body.task_id, body.plan_digest),
    );
    return service.confirm({ ...body, assertion });
  }
}

function asksForTouch(error: unknown): boolean {
  return isProblem(error, "scope_missing") && (error.hint ?? "").includes("/confirm/challenge");
}

/** Without what the library adds besides and the service does not know. */
function trimmed<Credential extends { response: object }>(
  credential: Credential,
  known: readonly string[],
): Credential {
  const response = Object.fromEntries(
    Object.entries(credential.response).filter(
      ([name, value]) => known.includes(name) && value !== undefined,
    ),
  );
  return { ...credential, response };
}
