import { useState } from "react";
import { PictureDialog } from "../parts/picture-dialog.tsx";
import { Piece, useOptionalGate } from "./reveal.tsx";

interface Props {
  readonly url: string;
  readonly artifact_id: string;
  readonly width: number;
  readonly height: number;
  readonly targets: readonly { x: number; y: number }[];
}

/** The screen when the step was planned, its target marked in it; a press shows it larger. */
export function Screenshot({ artifact_id, width, height, targets }: Props) {
  const gate = useOptionalGate();
  const [loaded, setLoaded] = useState(false);
  const [open, setOpen] = useState(false);
  // The address is made here: one of another origin would say who reads which plan.
  const source = `/artifacts/${encodeURIComponent(artifact_id)}`;
  const places = targets.map(({ x, y }) => `${x}, ${y}`).join(" → ");
  const alternative = `The screen, ${width} by ${height} pixels, when this was planned. Marked: ${places}`;
  return (
    <Piece className="screenshot" ready={loaded}>
      <button type="button" className="picture" onClick={() => setOpen(true)}>
        <img
          src={source}
          alt={alternative}
          width={width}
          height={height}
          onLoad={() => setLoaded(true)}
          onError={() => gate?.fail()}
        />
      </button>
      <p className="caption">
        Marked at {places} of {width} × {height}. Press the picture to zoom.
      </p>
      <PictureDialog
        open={open}
        onOpenChange={setOpen}
        source={source}
        title={alternative}
        focus={targets.at(-1)}
      />
    </Piece>
  );
}
