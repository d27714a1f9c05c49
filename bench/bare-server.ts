/**
 * The yardstick: a node:http server that verifies the legacy signature and commits one row a
 * request, in transactions shared by concurrent requests; GET /events follows the commits with a
 * bare loop of `res.write`. It does nothing else, and no more of it can be left away while a durable
 * answer to a signed request is promised.
 *
 * node bench/bare-server.ts DATABASE_FILE; prints its URL.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { SECRET } from "./signing.ts";

const [file = ":memory:"] = process.argv.slice(2);
const database = new DatabaseSync(file);
database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
database.exec("CREATE TABLE requests (id INTEGER PRIMARY KEY, body BLOB NOT NULL)");
const insert = database.prepare("INSERT INTO requests (body) VALUES (?)");

const subscribers = new Set<ServerResponse>();
let group: (() => void)[] = [];
let events = 0;

function commit(): void {
  database.exec("COMMIT");
  const done = group;
  group = [];
  for (const answer of done) {
    answer();
    publish();
  }
}

function publish(): void {
  if (subscribers.size === 0) return;
  events += 1;
  const frame = Buffer.from(`id: ${events}\ndata: ${JSON.stringify({ ...EVENT, events })}\n\n`);
  for (const subscriber of subscribers) subscriber.write(frame);
}

/** As long as the gateway's own. */
const EVENT = {
  event: "task_planned",
  task_id: "task_AAAAAAAAAAAAAAAAAAAAAA",
  timestamp: new Date().toISOString(),
  plan_summary: "Read contents of /tmp/test.txt",
  estimated_risk: "low",
  requires_confirmation: true,
};

function write(body: Buffer, answer: () => void): void {
  if (group.length === 0) {
    database.exec("BEGIN IMMEDIATE");
    setImmediate(commit);
  }
  insert.run(body);
  group.push(answer);
}

const server = createServer((request, response) => {
  if (request.url?.startsWith("/events")) {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    response.flushHeaders();
    subscribers.add(response);
    response.once("close", () => subscribers.delete(response));
    return;
  }
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    const mac = createHmac("sha256", SECRET)
      .update(`${request.headers["x-timestamp"]}:`)
      .update(body)
      .digest();
    const given = Buffer.from(String(request.headers["x-signature"]), "base64");
    if (given.length !== mac.length || !timingSafeEqual(mac, given)) {
      response.writeHead(401).end();
      return;
    }
    write(body, () => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end('{"status":"ok"}');
    });
  });
});

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  console.log(`http://127.0.0.1:${address.port}`);
});
