import { type CSSProperties, type ReactNode, useRef } from "react";
import type { Size } from "./picture-point.ts";

/** Of most desktops; until the size is known. */
const USUAL: Size = { width: 1280, height: 960 };

interface Props {
  readonly name: string;
  readonly size: Size | undefined;
  readonly children: ReactNode;
}

/** Holds a desktop's picture in its shape, as large as the page has room. */
export function ScreenFrame({ name, size = USUAL, children }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const shape = { "--across": size.width, "--down": size.height } as CSSProperties;
  return (
    <figure className="screen-figure" aria-label={`Desktop ${name}`}>
      <div className="screen" ref={frame} style={shape}>
        {children}
      </div>
      {document.fullscreenEnabled && (
        <button
          type="button"
          className="link"
          onClick={() => void frame.current?.requestFullscreen()}
        >
          Full screen
        </button>
      )}
    </figure>
  );
}
