import { GatewayError } from "../../contract/errors.ts";
import type { Principal } from "../../contract/principal.ts";
import { sha256 } from "../../lib/canonical.ts";
import type { Tasks } from "../../tasks/tasks.ts";
import type { TaskFeed } from "../task-feed.ts";
import type { CardDecideRequest, CardOpenView, CardState } from "./card-messages.ts";
import { CardService, type CardSubject } from "./card-service.ts";
import { viewCard } from "./card-view.ts";

export interface CardsDeps {
  readonly tasks: Pick<Tasks, "surface" | "decideOnSurface" | "cancel">;
  readonly feed: TaskFeed;
  /** The key as it is at this moment; undefined where it ended. */
  readonly findPrincipal: (keyId: string) => Principal | undefined;
  /** Without a slash at its end. */
  readonly publicUrl: () => string;
  readonly service?: CardService;
}

/** ms that a page's question waits for a change. */
const POLL_MS = 25_000;

/**
 * Approval cards: what a person in a chat is shown of a task that waits for them. A link opens its
 * page once; the page asks with a session of its own, which dies with it. Everything happens with
 * the rights that the key has then: whoever holds a link can do no more than the key that made it.
 */
export class Cards {
  readonly #deps: CardsDeps;
  readonly #service: CardService;
  /** The present question of each session: a new one ends the one before. */
  readonly #polls = new Map<string, AbortController>();

  constructor(deps: CardsDeps) {
    this.#deps = deps;
    this.#service = deps.service ?? new CardService();
  }

  /**
   * A link to the card of a task of this key. The token stands in the fragment, which browsers send
   * to nobody: no log of the gateway or of a proxy has it.
   */
  issue({ keyId }: Principal, taskId: string, expiresAt: string): string {
    const token = this.#service.issue({ taskId, keyId }, Date.parse(expiresAt));
    return `${this.#deps.publicUrl()}/cards#${token}`;
  }

  /** Throws `token_invalid`. */
  open(token: string): CardOpenView & { readonly subject: CardSubject } {
    const opening = this.#service.open(token);
    if (opening === undefined) throw cardIsOver();
    const { subject } = opening;
    this.#principalOf(subject);
    return {
      ...(opening.kind === "opened" && { session: opening.session }),
      confirmation_url: `${this.#deps.publicUrl()}/approvals/${subject.taskId}`,
      subject,
    };
  }

  /** Whose card a session is, and whether the key may show and decide all of it. Throws `token_invalid`. */
  subject(session: string): CardSubject & { readonly principal: Principal } {
    const subject = this.#service.find(session);
    if (subject === undefined) throw cardIsOver();
    return { ...subject, principal: this.#principalOf(subject) };
  }

  /** The card; where it is still as `seen`, once it changes or half a minute is over. */
  async state(session: string, seen: string | undefined, signal: AbortSignal): Promise<CardState> {
    const { taskId } = this.subject(session);
    this.#polls.get(session)?.abort();
    const poll = new AbortController();
    this.#polls.set(session, poll);
    try {
      return await this.#deps.feed.until(
        taskId,
        () => this.#look(session),
        ({ state }) => state !== seen,
        { waitMs: POLL_MS, signal: AbortSignal.any([signal, poll.signal]) },
      );
    } finally {
      if (this.#polls.get(session) === poll) this.#polls.delete(session);
    }
  }

  /**
   * What the person said. A yes needs a trusted surface (`scope_missing` elsewhere); a no is always
   * taken: where it may not reject, it cancels, as the key may do anyway.
   */
  async decide({ session, plan_digest, decision }: CardDecideRequest): Promise<CardState> {
    const { principal, taskId } = this.subject(session);
    const { tasks } = this.#deps;
    const surface = await tasks.surface(principal, taskId);
    const request = { task_id: taskId, plan_digest, decision };
    if (decision === "approve") {
      const { why_not } = viewCard(surface);
      if (surface.denial === undefined && why_not !== undefined) {
        throw new GatewayError(
          "scope_missing",
          `This plan is not decided on its card. ${why_not}`,
          {
            hint: "Open the plan's confirmation.url.",
          },
        );
      }
      await tasks.decideOnSurface(principal, request, "card");
    } else if (surface.denial === undefined) {
      await tasks.decideOnSurface(principal, request, "card");
    } else {
      await tasks.cancel(principal, taskId);
    }
    return this.#look(session);
  }

  /** Whether the picture of a plan that only approvers see is shown on this card now. */
  async showsPrivate(session: string): Promise<boolean> {
    const { principal, taskId } = this.subject(session);
    return (await this.#deps.tasks.surface(principal, taskId)).denial === undefined;
  }

  /** Ends the cards of a key that no longer holds. */
  endKey(keyId: string): void {
    this.#service.endKey(keyId);
  }

  /** Asked anew each time: the key's rights may be others by now. */
  async #look(session: string): Promise<CardState> {
    const { principal, taskId } = this.subject(session);
    const card = viewCard(await this.#deps.tasks.surface(principal, taskId));
    return { state: sha256(JSON.stringify(card)).slice(-32), card };
  }

  #principalOf({ keyId }: CardSubject): Principal {
    const principal = this.#deps.findPrincipal(keyId);
    if (principal?.scopes.has("execute")) return principal;
    throw cardIsOver();
  }
}

function cardIsOver(): GatewayError {
  return new GatewayError("token_invalid", "This card is over.", {
    hint: "A card opens once, within a quarter of an hour, and lives as long as its page. Ask how the task stands, or let it be planned again.",
  });
}
