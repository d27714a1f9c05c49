import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { PERSON_ROLES, type PersonRole } from "../../contract/people.ts";
import { randomId } from "../../lib/random-id.ts";
import { CliError } from "../cli-error.ts";
import { EXIT } from "../exit-codes.ts";
import { inert } from "../inert-text.ts";
import type { Output } from "../output.ts";
import { inSession, type Session } from "../session.ts";
import type { Shell } from "../shell.ts";

interface LinkOptions {
  readonly dataDir?: string;
  readonly role: PersonRole;
  readonly name?: string;
}

/** `people`: who may sign in to the console, and a way in for whoever runs the host. */
export function addPeopleCommands(program: Command, shell: Shell): void {
  const people = program
    .command("people")
    .summary("list who may sign in, make a link that lets somebody in")
    .description(
      "Who may sign in to the console. Works on DATA_DIR itself, whether the gateway runs or not: " +
        "whoever may write there may let people in.",
    );

  people
    .command("list", { isDefault: true })
    .description("Lists everybody who may sign in.")
    .option("--data-dir <folder>", "where the database is (else DATA_DIR, else ./data)")
    .action((options: { dataDir?: string }, command) =>
      inSession(shell, command, async (session) => {
        const listed = await readEverybody(dataDirOf(session, options.dataDir));
        if (session.output.json) session.output.document({ people: listed });
        else printPeople(session.output, listed);
        return EXIT.ok;
      }),
    );

  people
    .command("link")
    .description(
      "Makes a one-time link. With an id: it gives that person access again, replaces their " +
        "passkeys and password and ends their sessions. Without: it lets a new person in.",
    )
    .argument("[id]", "who has lost access, as `people list` names them")
    .addOption(
      new Option("--role <role>", "of a new person").choices([...PERSON_ROLES]).default("operator"),
    )
    .option("--name <name>", "what to call a new person, who may choose another name")
    .option("--data-dir <folder>", "where the database is (else DATA_DIR, else ./data)")
    .action((id: string | undefined, options: LinkOptions, command) =>
      inSession(shell, command, async (session) => {
        const dataDir = dataDirOf(session, options.dataDir);
        const everybody = await readEverybody(dataDir);
        const person = id === undefined ? undefined : findPerson(everybody, id);
        const { makeHostLink } = await import("../../people/make-host-link.ts");
        const link = makeHostLink(dataDir, {
          ...(person === undefined
            ? { purpose: "invite", role: options.role, ...(options.name && { name: options.name }) }
            : { purpose: "recovery", role: person.role, person: person.id }),
          base: consoleBase(session),
        });
        if (session.output.json) session.output.document(link);
        else {
          session.output.print(link.url);
          session.output.note(
            `Opens once, until ${link.expires_at}, in the console of the running gateway.`,
          );
        }
        return EXIT.ok;
      }),
    );

  people
    .command("vouch")
    .description(
      "Says that a person is a person of their own, whoever saw the link that let them in: they\n" +
        "count by themselves where a plan takes two approvals. It is in the audit log.",
    )
    .argument("<id>", "whom, as `people list` names them")
    .option("--data-dir <folder>", "where the database is (else DATA_DIR, else ./data)")
    .action((id: string, options: { dataDir?: string }, command) =>
      inSession(shell, command, async (session) => {
        const dataDir = dataDirOf(session, options.dataDir);
        const person = findPerson(await readEverybody(dataDir), id);
        const { makeHostVouch } = await import("../../people/host-vouches.ts");
        makeHostVouch(dataDir, randomId(), person.id);
        if (session.output.json) session.output.document({ vouched: person.id });
        else {
          session.output.print(
            `${inert(person.id)} counts as a person of their own in the running gateway within seconds.`,
          );
        }
        return EXIT.ok;
      }),
    );
}

type Listed = Awaited<ReturnType<typeof readEverybody>>[number];

async function readEverybody(dataDir: string) {
  const { readPeople } = await import("../../store/sqlite/people-store.ts");
  const { dataDirFiles } = await import("../../store/sqlite/data-dir.ts");
  const { database } = dataDirFiles(dataDir);
  if (!existsSync(database)) {
    throw new CliError("usage", `There is no database ${database}.`, "Name its --data-dir.");
  }
  const { person, passkey } = readPeople(database);
  return person
    .filter(({ removed_at }) => removed_at === undefined)
    .map(({ id, name, role, created_at, password }) => ({
      id,
      name,
      role,
      created_at,
      passkeys: passkey.filter((one) => one.person === id).length,
      has_password: password !== undefined,
    }));
}

function findPerson(everybody: readonly Listed[], id: string): Listed {
  const person = everybody.find((one) => one.id === id);
  if (person !== undefined) return person;
  throw new CliError(
    "usage",
    `There is nobody with the sign-in name ${inert(id)}.`,
    "`people list` has the ids.",
  );
}

function printPeople(output: Output, people: readonly Listed[]): void {
  if (people.length === 0) {
    output.print("Nobody can sign in yet.");
    output.note(`Make the first operator's link: ${output.program} people link`);
  }
  for (const { id, name, role, passkeys, has_password } of people) {
    const ways = [
      ...(passkeys > 0 ? [passkeys === 1 ? "1 passkey" : `${passkeys} passkeys`] : []),
      ...(has_password ? ["a password"] : []),
    ];
    output.print(
      `${inert(id)}  ${inert(name)}  ${output.paint("dim", `${role}, ${ways.join(" and ")}`)}`,
    );
  }
}

function dataDirOf({ shell, settings }: Session, option: string | undefined): string {
  return resolve(shell.cwd, option ?? settings.get("DATA_DIR") ?? "data");
}

/** Where people reach the console: PUBLIC_URL, else this machine under the name passkeys work with. */
function consoleBase({ settings, url }: Session): string {
  const base = new URL(settings.get("PUBLIC_URL") ?? url);
  if (base.hostname === "127.0.0.1" || base.hostname === "[::1]") base.hostname = "localhost";
  return base.href.replace(/\/+$/, "");
}
