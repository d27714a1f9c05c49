import { startDaemon } from "../test/bytebot/daemon.ts";

/** ByteBot's daemon as a process of its own, with the times it really takes. */
const daemon = await startDaemon({ latency: "real" });
console.log(daemon.url);
process.once("SIGTERM", () => void daemon[Symbol.asyncDispose]().then(() => process.exit()));
