import type {
  EnrolmentView,
  LinkView,
  PersonRole,
  SessionView,
} from "../../src/contract/people.ts";
import { checkAnswer } from "./answer-schema.ts";
import { SoftwareAuthenticator } from "./authenticator.ts";
import type { Answer } from "./call.ts";
import { cli } from "./cli.ts";
import type { Gateway } from "./gateway.ts";

/** A person in front of the console: what a browser would add to their requests. */
export class Person {
  readonly gateway: Gateway;
  readonly authenticator: SoftwareAuthenticator;
  /** `NAME=VALUE`, or empty while nobody is signed in. */
  cookie = "";
  /** Of the last answer that signed in. */
  view: SessionView | undefined;

  constructor(gateway: Gateway, authenticator?: SoftwareAuthenticator) {
    this.gateway = gateway;
    this.authenticator = authenticator ?? new SoftwareAuthenticator(() => originOf(gateway));
  }

  get id(): string {
    return this.view?.person.id ?? "";
  }

  /** As audit records and approvals name them. */
  get keyId(): string {
    return `person:${this.id}`;
  }

  /** A request of the console's page, held against the description of the API. */
  async call<Body = unknown>(
    method: string,
    target: string,
    body?: unknown,
    headers: Readonly<Record<string, string | undefined>> = {},
  ): Promise<Answer<Body>> {
    const response = await this.fetch(method, target, body, headers);
    const text = await response.text();
    const parsed = parse(text);
    const { status } = response;
    const contentType = response.headers.get("content-type");
    checkAnswer({ method, target, status, contentType, body: parsed });
    const [cookie] = response.headers.getSetCookie();
    if (cookie !== undefined) this.cookie = cookie.includes("=;") ? "" : kept(cookie);
    return { status, headers: response.headers, body: parsed as Body };
  }

  /** The same, unread. A header that is `undefined` is left out. */
  fetch(
    method: string,
    target: string,
    body?: unknown,
    headers: Readonly<Record<string, string | undefined>> = {},
  ): Promise<Response> {
    const all: Record<string, string | undefined> = {
      ...(method === "GET" ? {} : { origin: originOf(this.gateway) }),
      "sec-fetch-site": "same-origin",
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(this.cookie !== "" && { cookie: this.cookie }),
      ...headers,
    };
    const given = Object.entries(all).filter((entry): entry is [string, string] => !!entry[1]);
    return fetch(originOf(this.gateway) + target, {
      method,
      redirect: "manual",
      headers: Object.fromEntries(given),
      ...(body !== undefined && {
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    });
  }

  /** Opens a one-time link. */
  async open(url: string): Promise<EnrolmentView> {
    return ok(await this.call<EnrolmentView>("POST", "/session/link", { token: tokenOf(url) }));
  }

  /** Opens a one-time link and enrols with the authenticator, or with a password. */
  async enrol(url: string, name?: string, password?: string): Promise<SessionView> {
    const { enrolment } = await this.open(url);
    const named = name === undefined ? {} : { name };
    let credential: object = { password };
    if (password === undefined) {
      const request = { enrolment, ...named };
      const options = await this.call<Record<string, unknown>>(
        "POST",
        "/session/enrol/options",
        request,
      );
      credential = { passkey: this.authenticator.create(ok(options)) };
    }
    return this.#signedIn("/session/enrol", { enrolment, ...named, ...credential });
  }

  /** Signs in with the passkey, or with a password. */
  async signIn(password?: string): Promise<SessionView> {
    if (password !== undefined) {
      return this.#signedIn("/session/password", { id: this.id, password });
    }
    const { ceremony, options } = ok(
      await this.call<{ ceremony: string; options: Record<string, unknown> }>(
        "POST",
        "/session/passkey/options",
        {},
      ),
    );
    const response = this.authenticator.get(options);
    return this.#signedIn("/session/passkey", { ceremony, response });
  }

  /** Invites somebody, who enrols with a passkey of their own. */
  async invite(name: string, role: PersonRole): Promise<Person> {
    const link = ok(await this.call<LinkView>("POST", "/people", { role }));
    const invited = new Person(this.gateway);
    await invited.enrol(link.url, name);
    return invited;
  }

  async #signedIn(target: string, body: unknown): Promise<SessionView> {
    this.view = ok(await this.call<SessionView>("POST", target, body));
    return this.view;
  }
}

/** Where a browser on this machine has the console. */
export function originOf(gateway: Gateway): string {
  return `http://localhost:${gateway.port}`;
}

/** The first operator, signed in through the link that the program printed. */
export async function firstOperator(gateway: Gateway, name = "Olga Operator"): Promise<Person> {
  const person = new Person(gateway);
  await person.enrol(printedLink(gateway), name);
  return person;
}

/** As whoever runs the host says that somebody is a person of their own. */
export async function vouchOnHost(person: Person): Promise<void> {
  const { exit, stderr } = await cli(person.gateway, ["people", "vouch", person.id]);
  if (exit !== 0) throw new Error(stderr);
}

/** The newest one-time link that the program printed when it started. */
export function printedLink(gateway: Gateway): string {
  const link = gateway.output.match(/http\S+\/console#link=[\w-]+/g)?.at(-1);
  if (link === undefined) throw new Error(`no link was printed:\n${gateway.output}`);
  return link;
}

export function tokenOf(url: string): string {
  return url.split("#link=")[1] ?? "";
}

/** What a browser sends back of a Set-Cookie. */
function kept(cookie: string): string {
  return cookie.split(";")[0] ?? "";
}

function ok<Body>({ status, body }: Answer<Body>): Body {
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
