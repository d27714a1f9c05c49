import { readFile } from "node:fs/promises";

/** How start.sh starts the server: flags of Node, and what it adds to the environment. */
export interface StartOptions {
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const START = new URL("../start.sh", import.meta.url);

/** Read from start.sh itself, so that what is measured is what people run. Throws where it says no more. */
export async function readStartOptions(): Promise<StartOptions> {
  const script = await readFile(START, "utf8");
  const command = /^exec "\$NODE" (.*?) ?dist\/main\.js\b/m.exec(script)?.[1];
  if (command === undefined) throw new Error("start.sh does not end in: exec $NODE … dist/main.js");
  const variables = [...script.matchAll(/^export (\w+)="\$\{\1:-(.*)\}"$/gm)];
  if (variables.length === 0) throw new Error("start.sh exports nothing with a default");
  return {
    flags: command.split(" ").filter((flag) => flag !== ""),
    environment: Object.fromEntries(
      variables.map(([, name = "", value = ""]) => [name, value.replace("$PWD", root())]),
    ),
  };
}

function root(): string {
  return new URL("..", import.meta.url).pathname.replace(/\/$/, "");
}
