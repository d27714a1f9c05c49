const MAX_LENGTH = 40;
/** Letters that no decomposition takes apart. */
const SPELLED: Readonly<Record<string, string>> = {
  ß: "ss",
  ø: "o",
  æ: "ae",
  œ: "oe",
  ł: "l",
  đ: "d",
};

/** A free id after a person's name: `Zoë Müller` is `zoe-muller`, a name in other letters `person`. */
export function personIdOf(name: string, isTaken: (id: string) => boolean): string {
  const base =
    name
      .toLowerCase()
      .replace(/[ßøæœłđ]/g, (letter) => SPELLED[letter] ?? letter)
      .normalize("NFKD")
      .replace(/\p{M}/gu, "")
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+/, "")
      .slice(0, MAX_LENGTH - 6)
      .replace(/-+$/, "") || "person";
  for (let number = 1; ; number++) {
    const id = number === 1 ? base : `${base}-${number}`;
    if (!isTaken(id)) return id;
  }
}
