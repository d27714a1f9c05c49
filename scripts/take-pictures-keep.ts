import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { reduceColours } from "./take-pictures-png.ts";

const FOLDER = join(import.meta.dirname, "../docs/pictures");

/** Writes a picture of the documentation, with fewer colours. */
export async function keepPicture(name: string, png: Uint8Array): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  const path = join(FOLDER, `${name}.png`);
  writeFileSync(path, await reduceColours(png));
  process.stdout.write(`${path} ${Math.ceil(statSync(path).size / 1024)} KB\n`);
}
