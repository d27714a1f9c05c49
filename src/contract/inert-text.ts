/** What a person decides on is shown through these, on every surface (I8). */
export { makeVisible, oneLine } from "../lib/inert.ts";
