import { Dialog } from "@base-ui/react/dialog";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { TextBlock } from "../card/text-block.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { bytes } from "./bytes.ts";

/** Larger ones are for the download: a page of a million lines helps nobody. */
const MAX_BYTES = 500_000;

/** A text artifact, as inert text over the page. */
export function TextArtifact({ address, size }: { address: string; size: number }) {
  const [open, setOpen] = useState(false);
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger className="button">Look</Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog wide">
          <Dialog.Title>Text</Dialog.Title>
          <Content address={address} />
          {size > MAX_BYTES && (
            <p className="hint">
              The first {bytes(MAX_BYTES)} of {bytes(size)}: download it for all.
            </p>
          )}
          <div className="dialog-buttons">
            <Dialog.Close className="button">Close</Dialog.Close>
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Content({ address }: { address: string }) {
  const { data, error } = useQuery({
    queryKey: ["artifact", address],
    queryFn: async ({ signal }) => {
      const response = await fetch(address, { signal });
      if (!response.ok) throw new Error("The artifact could not be read; it may be gone.");
      const blob = await response.blob();
      return blob.slice(0, MAX_BYTES).text();
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (error) return <ProblemNote error={error} />;
  return data === undefined ? (
    <p className="loading">Loading…</p>
  ) : (
    <TextBlock text={data} label="Text" />
  );
}
