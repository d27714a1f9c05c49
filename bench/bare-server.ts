/**
 * The yardstick: a node:http server that verifies the legacy signature and commits one row a
 * request, in transactions shared by concurrent requests. It does nothing else, and no more of it
 * can be left away while a durable answer to a signed request is promised.
 *
 * node bench/bare-server.ts DATABASE_FILE; prints its URL.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { SECRET } from "./signing.ts";

const [file = ":memory:"] = process.argv.slice(2);
const database = new DatabaseSync(file);
database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
database.exec("CREATE TABLE requests (id INTEGER PRIMARY KEY, body BLOB NOT NULL)");
const insert = database.prepare("INSERT INTO requests (body) VALUES (?)");

let group: (() => void)[] = [];

function commit(): void {
  database.exec("COMMIT");
  const done = group;
  group = [];
  for (const answer of done) answer();
}

function write(body: Buffer, answer: () => void): void {
  if (group.length === 0) {
    database.exec("BEGIN IMMEDIATE");
    setImmediate(commit);
  }
  insert.run(body);
  group.push(answer);
}

const server = createServer((request, response) => {
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
