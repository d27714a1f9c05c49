import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A page for the embedded desktop's browser: something to click on and to type into. */
export async function servePage(): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(PAGE);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const PAGE = `<!doctype html><title>Soak</title><style>body{font:20px sans-serif}</style>
<h1>A page to click on</h1><p><input autofocus placeholder="and to type into"></p>
${"<p>Some words, so that there is something to scroll.</p>".repeat(80)}`;
