import { EventEmitter } from "node:events";
import { type IncomingMessage, Server, type ServerResponse } from "node:http";

/**
 * Loaded into the started program before its own code. A request whose header X-Test-Fault says
 * `WAY PART N` meets a fault where the program uses that part of it for the Nth time: whichever stage,
 * hook or listener that is.
 */
const WAYS: Readonly<Record<string, (request: IncomingMessage) => void>> = {
  throw: () => {
    throw new Error("test fault");
  },
  // Of nobody's making who could catch it, a moment later.
  later: () => {
    setImmediate(() => {
      throw new Error("test fault, later");
    });
  },
  reject: () => void Promise.reject(new Error("test fault, rejected")),
  vanish: ({ socket }) => void socket.destroy(),
};

const RESPONSE_PARTS = [
  ...["setHeader", "getHeader", "removeHeader", "writeHead", "flushHeaders"],
  ...["write", "end", "on", "once", "emit"],
] as const;
const REQUEST_PARTS = ["on", "once", "emit"] as const;
const REQUEST_FIELDS = ["url", "method", "headers", "rawHeaders"] as const;

const { emit } = EventEmitter.prototype;
Server.prototype.emit = function (this: Server, name: string, ...args: unknown[]): boolean {
  const [request, response] = args;
  if (name === "request") prepare(request as IncomingMessage, response as ServerResponse);
  return emit.call(this, name, ...args);
};

function prepare(request: IncomingMessage, response: ServerResponse): void {
  const fault = request.headers["x-test-fault"];
  if (typeof fault !== "string") return;
  const [way = "", part = "", at = "1"] = fault.split(" ");
  let left = Number(at);
  const use = () => {
    left -= 1;
    if (left === 0) WAYS[way]?.(request);
  };
  if (part === "response") for (const name of RESPONSE_PARTS) countCalls(response, name, use);
  if (part === "request") for (const name of REQUEST_PARTS) countCalls(request, name, use);
  if (part === "fields") for (const name of REQUEST_FIELDS) countReads(request, name, use);
}

function countCalls(owner: object, name: string, use: () => void): void {
  const method: unknown = Reflect.get(owner, name);
  if (typeof method !== "function") return;
  Reflect.set(owner, name, (...args: unknown[]) => {
    // A listener is the program's, whoever emits.
    if (name === "emit" || !isUsedByNode()) use();
    return Reflect.apply(method, owner, args);
  });
}

function countReads(owner: object, name: string, use: () => void): void {
  let value: unknown = Reflect.get(owner, name);
  Object.defineProperty(owner, name, {
    configurable: true,
    get: () => {
      if (!isUsedByNode()) use();
      return value;
    },
    set: (next) => {
      value = next;
    },
  });
}

/** Node's own server uses them too, where no program could be wrong. */
function isUsedByNode(): boolean {
  return new Error().stack?.split("\n")[3]?.includes("node:_http") === true;
}
