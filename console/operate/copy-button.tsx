import { useState } from "react";

/** Puts a text on the clipboard, and says that it did or that it could not. */
export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [word, setWord] = useState("");
  const copy = () => {
    // Absent where the page has no secure context.
    if (navigator.clipboard === undefined) {
      setWord("Select it and copy it by hand: the browser does not let this page.");
      return;
    }
    navigator.clipboard.writeText(text).then(
      () => setWord("Copied."),
      () => setWord("The browser did not let this page copy."),
    );
  };
  return (
    <span className="copy">
      <button type="button" className="button" onClick={copy}>
        {label}
      </button>{" "}
      <span role="status">{word}</span>
    </span>
  );
}
