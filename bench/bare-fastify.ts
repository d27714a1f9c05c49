/** A Fastify server with the gateway's plug-ins and one route: the yardstick of the start. */
import cors from "@fastify/cors";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import Fastify from "fastify";

const app = Fastify({ logger: true });
await app.register(cors, { origin: false });
await app.register(swagger, { openapi: { openapi: "3.1.0" } });
await app.register(swaggerUi, { routePrefix: "/docs" });
app.get("/health", () => ({ status: "healthy" }));
console.log(await app.listen({ port: 0, host: "127.0.0.1" }));
process.once("SIGTERM", () => process.exit(0));
