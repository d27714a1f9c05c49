import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CliError } from "./cli-error.ts";
import { type ParameterSchema, parseParameters } from "./parameters.ts";

const SCHEMA: ParameterSchema = {
  type: "object",
  required: ["path"],
  properties: {
    path: { type: "string" },
    content: { type: "string" },
    encoding: { enum: ["utf8", "base64"] },
    offset: { type: "integer" },
    fraction: { type: "number" },
    sensitive: { type: "boolean" },
    command: { type: "array", items: { type: "string" } },
    numbers: { type: "array", items: { type: "integer" } },
    coordinates: {
      type: "object",
      properties: { x: { type: "integer" }, y: { type: "integer" } },
    },
    mode: { anyOf: [{ const: "create" }, { const: "append" }] },
  },
};

const FILES: Record<string, Uint8Array> = {
  "a.txt": Buffer.from("Grüße\n"),
  "b.png": Buffer.from([0x89, 0x50, 0xff]),
  "c.json": Buffer.from('{"x": 1}'),
  "-": Buffer.from("piped"),
};

function parse(words: string[], schema: ParameterSchema | undefined = SCHEMA) {
  return parseParameters("x.test", words, schema, async (path) => {
    const bytes = FILES[path];
    if (bytes === undefined) throw new Error(`no file ${path}`);
    return bytes;
  });
}

async function refusal(words: string[]): Promise<CliError> {
  const error = await parse(words).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof CliError) return error;
  throw new Error(`expected a CliError, got ${String(error)}`);
}

describe("parseParameters", () => {
  test("reads each value as the schema says", async () => {
    const words = ["path=/tmp/a", "offset=12", "fraction=-0.5", "sensitive=true", "mode=append"];
    expect(await parse(words)).toEqual({
      path: "/tmp/a",
      offset: 12,
      fraction: -0.5,
      sensitive: true,
      mode: "append",
    });
  });

  test("keeps text that looks like something else", async () => {
    expect(await parse(["path=12", "content=true=false\n= x"])).toEqual({
      path: "12",
      content: "true=false\n= x",
    });
    expect(await parse(["path="])).toEqual({ path: "" });
  });

  test("collects an array word by word and an object part by part", async () => {
    const words = ["path=p", "command=git", "command=-l", "command=@x", "coordinates.x=1"];
    expect(await parse([...words, "coordinates.y=2", "numbers=7"])).toEqual({
      path: "p",
      command: ["git", "-l", "@x"],
      coordinates: { x: 1, y: 2 },
      numbers: [7],
    });
  });

  test("takes JSON as it stands, also from a file", async () => {
    const words = ["path=p", 'command:=["[", "a=b"]', "coordinates:=@c.json", "offset:=3"];
    expect(await parse(words)).toEqual({
      path: "p",
      command: ["[", "a=b"],
      coordinates: { x: 1 },
      offset: 3,
    });
  });

  test("reads files and standard input, bytes as base64, and @@ as a text", async () => {
    expect(await parse(["path=@@home", "content=@a.txt"])).toEqual({
      path: "@home",
      content: "Grüße\n",
    });
    expect(await parse(["path=p", "content=@-"])).toEqual({ path: "p", content: "piped" });
    expect(await parse(["path=p", "content=@b.png"])).toEqual({
      path: "p",
      content: "iVD/",
      encoding: "base64",
    });
  });

  test.each([
    [["path"], "is not key=value"],
    [["=x"], "is not key=value"],
    [["path=a", "path=b"], "path is given twice"],
    [["path=a", "offset=twelve"], "offset takes a whole number"],
    [["path=a", "sensitive=yes"], "sensitive takes true or false"],
    [["path=a", "encoding=latin1"], 'encoding cannot be "latin1"'],
    [["path=a", "coordinates=1,2"], "coordinates takes an object"],
    [["path=a", "coordinates.x=1", "coordinates:={}"], "coordinates is given twice"],
    [["path=a", "command:={"], "command is not JSON"],
    [["pth=a"], "x.test has no parameter pth"],
    [["path=a", "coordinates.z=1"], "x.test has no parameter coordinates.z"],
    [["path=a", "__proto__=1"], "x.test has no parameter __proto__"],
    [["path=a", "constructor=1"], "x.test has no parameter constructor"],
    [["content=a"], "x.test needs path"],
  ])("refuses %j with a reason", async (words, reason) => {
    const error = await refusal(words);
    expect(error.detail).toContain(reason);
    expect(error.code).toBe("usage");
  });

  test("suggests the parameter that was meant", async () => {
    expect((await refusal(["contnt=a"])).hint).toContain("Did you mean content?");
  });

  test("without a schema every value is text", async () => {
    const parameters = await parse(["a=1", "b.c=true"], { type: "object" }).catch(() => undefined);
    expect(parameters).toBeUndefined();
    expect(
      await parseParameters(
        "x",
        ["a=1", "b.c=true"],
        undefined,
        async () => FILES["-"] ?? new Uint8Array(),
      ),
    ).toEqual({ a: "1", b: { c: "true" } });
  });

  test("a text comes through exactly, whatever it holds", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), async (text) => {
        const word = `path=${text.startsWith("@") ? "@" : ""}${text}`;
        expect((await parse([word])).path).toBe(text);
      }),
    );
  });

  test("a JSON value comes through exactly", async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ noUnicodeString: false, maxDepth: 4 }), async (value) => {
        fc.pre(!JSON.stringify(value).includes("__proto__"));
        const words = ["path=p", `coordinates:=${JSON.stringify(value)}`];
        const parsed = await parse(words).catch((error: unknown) => error);
        if (parsed instanceof CliError) expect(parsed.detail).toMatch(/is not JSON/);
        else expect(parsed).toEqual({ path: "p", coordinates: JSON.parse(JSON.stringify(value)) });
      }),
    );
  });
});
