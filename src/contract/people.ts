import Type, { type Static } from "typebox";
import { PASSKEY_FROM } from "./policy.ts";

const closed = { additionalProperties: false } as const;
const Time = Type.String({ format: "date-time", description: "ISO 8601, UTC" });

/** An operator does all an approver does, and sees policy, audit, keys and people besides. */
export const PERSON_ROLES = ["approver", "operator"] as const;
export const PersonRole = Type.Enum([...PERSON_ROLES]);
export type PersonRole = (typeof PERSON_ROLES)[number];

/** In place of a key's id: no id of config/clients.json has a colon. */
export const PERSON_PREFIX = "person:";

export const PersonId = Type.String({ pattern: "^[a-z0-9][a-z0-9._-]{0,39}$" });
export const PersonName = Type.String({ minLength: 1, maxLength: 60 });

/** UTF-16 units. Long rather than varied: nobody is asked for digits and signs. */
const PASSWORD_LENGTH = { least: 12, most: 256 } as const;
const NewPassword = Type.String({
  minLength: PASSWORD_LENGTH.least,
  maxLength: PASSWORD_LENGTH.most,
});

/** Who a signed-in request comes from. */
export const PersonView = Type.Object({ id: PersonId, name: PersonName, role: PersonRole });
export type PersonView = Static<typeof PersonView>;

/** 256 random bits, unpadded base64url. */
const Secret = Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" });
/** Names a WebAuthn exchange under way; used once, within minutes. */
const Ceremony = Type.String({ pattern: "^[A-Za-z0-9_-]{22}$" });

/** What a browser takes and gives (WebAuthn Level 3, section 5.1.8 and 5.1.9): checked by the verifier. */
const BrowserJson = Type.Unsafe<Record<string, unknown>>(
  Type.Object({}, { additionalProperties: true }),
);
export const WebAuthnOptions = BrowserJson;
const Encoded = Type.String({ minLength: 1, maxLength: 32_768, pattern: "^[A-Za-z0-9_-]+$" });
const credential = {
  id: Encoded,
  rawId: Encoded,
  type: Type.Literal("public-key"),
  clientExtensionResults: BrowserJson,
  authenticatorAttachment: Type.Optional(Type.Enum(["platform", "cross-platform"])),
};

/** PublicKeyCredential.toJSON() of a passkey that was made. */
export const RegistrationResponse = Type.Object({
  ...credential,
  response: Type.Object({
    clientDataJSON: Encoded,
    attestationObject: Encoded,
    transports: Type.Optional(Type.Array(Type.String({ maxLength: 32 }), { maxItems: 16 })),
  }),
});
export type RegistrationResponse = Static<typeof RegistrationResponse>;

/** PublicKeyCredential.toJSON() of a passkey that was used. */
export const AuthenticationResponse = Type.Object({
  ...credential,
  response: Type.Object({
    clientDataJSON: Encoded,
    authenticatorData: Encoded,
    signature: Encoded,
    userHandle: Type.Optional(Type.Union([Encoded, Type.Null()])),
  }),
});
export type AuthenticationResponse = Static<typeof AuthenticationResponse>;

/** GET /session, and the answer of everything that signs in. */
export const SessionView = Type.Object({
  person: PersonView,
  expires_at: Time,
  passkeys: Type.Integer(),
  has_password: Type.Boolean(),
  passkeys_possible: Type.Boolean({
    description: "false where the gateway is reached under an IP address or without TLS",
  }),
  fresh_passkey_from: Type.Enum([...PASSKEY_FROM], {
    description: "the risk from which an approval takes `assertion`",
  }),
});
export type SessionView = Static<typeof SessionView>;

export const LINK_PURPOSES = ["first_operator", "invite", "recovery"] as const;
export type LinkPurpose = (typeof LINK_PURPOSES)[number];

export const OpenLinkRequest = Type.Object({ token: Secret }, closed);

/** `enrolment` stands for the link, which is used up, in the next two calls. */
export const EnrolmentView = Type.Object({
  purpose: Type.Enum([...LINK_PURPOSES]),
  role: PersonRole,
  person: Type.Optional(Type.Object({ id: PersonId, name: PersonName })),
  /** What the inviter called the person; they may choose another name. */
  name: Type.Optional(PersonName),
  enrolment: Secret,
  expires_at: Time,
  passkeys_possible: Type.Boolean(),
});
export type EnrolmentView = Static<typeof EnrolmentView>;

export const EnrolOptionsRequest = Type.Object(
  { enrolment: Secret, name: Type.Optional(PersonName) },
  closed,
);

export const EnrolRequest = Type.Object(
  {
    enrolment: Secret,
    name: Type.Optional(PersonName),
    passkey: Type.Optional(RegistrationResponse),
    password: Type.Optional(NewPassword),
  },
  closed,
);
export type EnrolRequest = Static<typeof EnrolRequest>;

export const CeremonyView = Type.Object({ ceremony: Ceremony, options: WebAuthnOptions });
export type CeremonyView = Static<typeof CeremonyView>;

/** An answer to a ceremony's options. */
export const Assertion = Type.Object(
  { ceremony: Ceremony, response: AuthenticationResponse },
  closed,
);
export type Assertion = Static<typeof Assertion>;

export const PasswordRequest = Type.Object(
  { id: Type.String({ minLength: 1, maxLength: 64 }), password: Type.String({ maxLength: 256 }) },
  closed,
);

/** POST /session/step-up: one of the two. */
export const StepUpRequest = Type.Object(
  { assertion: Type.Optional(Assertion), password: Type.Optional(Type.String({ maxLength: 256 })) },
  closed,
);
export type StepUpRequest = Static<typeof StepUpRequest>;

/** DELETE /session */
export const SignedOutView = Type.Object({ signed_in: Type.Literal(false) });

const PasskeyView = Type.Object({
  id: Type.String(),
  name: Type.String(),
  created_at: Time,
  last_used_at: Type.Optional(Time),
  /** The host name it works under. */
  rp_id: Type.String(),
});
export type PasskeyView = Static<typeof PasskeyView>;
export const PasskeyList = Type.Object({ passkeys: Type.Array(PasskeyView) });
export type PasskeyList = Static<typeof PasskeyList>;
export const AddPasskeyRequest = Type.Object(
  {
    ceremony: Ceremony,
    response: RegistrationResponse,
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 60 })),
  },
  closed,
);
/** `id` is base64url of the credential id. */
export const PasskeyParams = Type.Object({
  passkey_id: Type.String({ pattern: "^[A-Za-z0-9_-]{16,1366}$" }),
});

const PeopleEntry = Type.Object({
  id: PersonId,
  name: PersonName,
  role: PersonRole,
  created_at: Time,
  last_seen_at: Type.Optional(Time),
  passkeys: Type.Integer(),
  has_password: Type.Boolean(),
  counts_as_one_with: Type.Array(Type.String(), {
    description:
      "key ids, and `host`: who may have opened a link of theirs, so that both make one of two approvals; empty once somebody vouched for them",
  }),
});
const InvitationView = Type.Object({
  id: Type.String(),
  role: PersonRole,
  name: Type.Optional(PersonName),
  expires_at: Time,
});
export const PeopleList = Type.Object({
  people: Type.Array(PeopleEntry),
  invitations: Type.Array(InvitationView),
});
export type PeopleList = Static<typeof PeopleList>;

export const InviteRequest = Type.Object(
  { name: Type.Optional(PersonName), role: PersonRole },
  closed,
);
/** Shown once: the link is not kept, only its hash. */
export const LinkView = Type.Object({ url: Type.String(), expires_at: Time });
export type LinkView = Static<typeof LinkView>;

export const PersonParams = Type.Object({ person_id: PersonId });
export const InvitationParams = Type.Object({
  invitation_id: Type.String({ pattern: "^[A-Za-z0-9_-]{22}$" }),
});
/** POST /people/{person_id}/vouch */
export const VouchedView = Type.Object({ vouched: PersonId });
/** DELETE /people/… and DELETE /session/passkeys/…: the id that is gone. */
export const RemovedView = Type.Object({ removed: Type.String() });
