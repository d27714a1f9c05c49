import { Readable, Writable } from "node:stream";
import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { inert } from "../inert-text.ts";
import { inSession, type Session } from "../session.ts";
import type { Shell } from "../shell.ts";

export function addMcpCommand(program: Command, shell: Shell): void {
  program
    .command("mcp")
    .summary("speak MCP on stdin and stdout, for desktop clients")
    .description(
      "Hands the messages of an MCP client on to the gateway's /mcp, for clients that " +
        "start their servers as programs. Takes the token from API_TOKEN. Says what it " +
        "has to say on stderr.",
    )
    .action((_options, command) => inSession(shell, command, bridge));
}

async function bridge({ shell, settings, url }: Session): Promise<ExitCode> {
  const token = settings.secret("API_TOKEN");
  if (token === undefined) {
    throw new CliError(
      "unauthorised",
      "There is no API_TOKEN.",
      "Set it, or API_TOKEN_FILE, in the client's configuration of this server; the first start wrote one to .env.",
    );
  }
  // Loaded here: no other command needs the protocol.
  const [{ StdioServerTransport }, { McpBridge }] = await Promise.all([
    import("@modelcontextprotocol/server/stdio"),
    import("../mcp-bridge.ts"),
  ]);
  const stdin =
    shell.stdin instanceof Readable
      ? shell.stdin
      : Readable.from(shell.stdin, { objectMode: false });
  const stdout = new Writable({
    write: (chunk, _encoding, done) => {
      shell.stdout.write(chunk, () => done());
    },
  });
  await using open = new McpBridge({
    stdio: new StdioServerTransport(stdin, stdout),
    url: new URL("mcp", url.endsWith("/") ? url : `${url}/`),
    token,
    note: (line) => shell.stderr.write(`bytebot-gateway mcp: ${inert(line)}\n`),
  });
  await open.run(shell.signal);
  // A client that leaves it open would keep the process alive.
  stdin.destroy();
  return EXIT.ok;
}
