/** Media types of images that are shown as they are: no browser runs anything in them. */
export const IMAGE_TYPES: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/webp"]);
