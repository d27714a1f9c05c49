import { AsyncLocalStorage } from "node:async_hooks";
import type { EventEmitter } from "node:events";

/** Whoever answers for everything that one request sets in motion. */
export interface RequestScope {
  /** Told of what was thrown or rejected with nobody left to catch it. Does not throw. */
  fail(error: unknown): void;
}

const scopes = new AsyncLocalStorage<RequestScope | undefined>();

/** Runs the work, and whatever it starts, in a request's scope. What it throws is the request's failure. */
export function inRequest(scope: RequestScope, work: () => void): void {
  scopes.run(scope, () => {
    try {
      work();
    } catch (error) {
      scope.fail(error);
    }
  });
}

/**
 * Runs work that outlives the request it was begun by, or that serves others as well: a commit, a
 * task, a shared timer. What goes wrong in it later is nobody's request and ends the process.
 */
export function outsideRequests<T>(work: () => T): T {
  return scopes.run(undefined, work);
}

/**
 * Makes whatever listens on a request's own stream part of the request. Node calls such listeners in
 * the scope of the connection, which serves other requests as well.
 */
export function holdListeners(emitter: EventEmitter, scope: RequestScope): void {
  const emit = emitter.emit.bind(emitter);
  emitter.emit = (...event: Parameters<EventEmitter["emit"]>) => {
    let heard = true;
    inRequest(scope, () => {
      heard = emit(...event);
    });
    return heard;
  };
}

/**
 * Hands what nobody caught to the request in whose scope it happened; false where there is none. For
 * the process's last handlers alone: Node leaves them, and what comes after them, in that scope.
 */
export function failPresentRequest(error: unknown): boolean {
  const scope = scopes.getStore();
  if (scope === undefined) return false;
  scopes.enterWith(undefined);
  scope.fail(error);
  return true;
}
