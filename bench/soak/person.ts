import type { World } from "./world.ts";

const PASSWORD = "a long password of a soak";

/** Somebody signed in to the console: what their browser would send with each request. */
export interface Person {
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Opens the one-time link that the program printed; its holder becomes the first operator. */
export async function enrol(world: World, link: string): Promise<Person> {
  const token = link.split("#link=")[1] ?? "";
  const opened = await post(world, "/session/link", { token });
  const { enrolment } = opened.json();
  const answer = await post(world, "/session/enrol", {
    enrolment,
    name: "Soak",
    password: PASSWORD,
  });
  return signedIn(world, answer);
}

/** Signs the same person in once more, in another browser. */
export async function signIn(world: World, id: string): Promise<Person> {
  return signedIn(world, await post(world, "/session/password", { id, password: PASSWORD }));
}

async function post(world: World, target: string, body: unknown) {
  world.meter.waitsOnPurpose("sign in");
  const headers = pageHeaders(world);
  const answer = await world.ask("sign in", "POST", target, { body, headers });
  if (answer?.status !== 200) throw new Error(`${target} answered ${answer?.status}`);
  return answer;
}

function signedIn(world: World, { headers, json }: Awaited<ReturnType<typeof post>>): Person {
  const cookie = [headers["set-cookie"]].flat()[0]?.split(";")[0];
  if (cookie === undefined) throw new Error("signing in sets no cookie");
  return { id: json().person.id, headers: { ...pageHeaders(world), cookie } };
}

function pageHeaders({ port }: World): Record<string, string> {
  const host = `localhost:${port}`;
  return { host, origin: `http://${host}`, "sec-fetch-site": "same-origin" };
}
