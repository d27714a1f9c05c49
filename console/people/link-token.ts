const FORM = /^#link=([A-Za-z0-9_-]{43})$/;

/** The one-time link's secret, taken out of the address so that it stays in no history. */
export function takeLinkToken(): string | undefined {
  const { hash, pathname } = location;
  if (!hash.startsWith("#link=")) return undefined;
  history.replaceState(null, "", pathname);
  // A link that was cut off in a mail is refused by the service, which says so.
  return FORM.exec(hash)?.[1] ?? "";
}
