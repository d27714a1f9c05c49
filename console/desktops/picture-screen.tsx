import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { DESKTOPS, desktopService } from "../api/desktops.ts";
import { isProblem } from "../api/problem.ts";
import { ProblemNote } from "../parts/problem-note.tsx";
import { Moment } from "../parts/time.tsx";
import { PictureFeed } from "./picture-feed.ts";
import type { Size } from "./picture-point.ts";
import { ScreenFrame } from "./screen-frame.tsx";
import { ScreenHands } from "./screen-hands.tsx";
import type { HandInput } from "./use-input-line.ts";

interface Props {
  readonly name: string;
  readonly isMine: boolean;
  readonly size: Size | undefined;
  readonly input: HandInput;
}

/** A desktop in single pictures, each as soon as it is worth asking for. */
export function PictureScreen({ name, isMine, size: known, input }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState(known);
  const [at, setAt] = useState<string>();
  const [error, setError] = useState<unknown>();
  const client = useQueryClient();
  const { onDone } = input;

  useEffect(() => {
    const feed = new PictureFeed({
      ask: (signal) => desktopService.picture(name, signal),
      show: async (picture) => {
        const image = await createImageBitmap(picture);
        if (canvas.current !== null) draw(image, canvas.current);
        const { width, height } = image;
        setSize((before) =>
          before?.width === width && before.height === height ? before : { width, height },
        );
        setAt(new Date().toISOString());
        setError(undefined);
        image.close();
      },
      onError: (failure) => {
        setError(failure);
        if (isProblem(failure, "state_changed")) {
          void client.invalidateQueries({ queryKey: DESKTOPS });
        }
      },
    });
    const look = () => (document.visibilityState === "hidden" ? feed.pause() : feed.goOn());
    document.addEventListener("visibilitychange", look);
    look();
    const stop = onDone(() => feed.hurry());
    return () => {
      document.removeEventListener("visibilitychange", look);
      stop();
      feed.close();
    };
  }, [name, onDone, client]);

  return (
    <>
      <ScreenFrame name={name} size={size}>
        <canvas
          ref={canvas}
          className={error === undefined ? "picture-canvas" : "picture-canvas stale"}
          role="img"
          aria-label={`What desktop ${name} shows`}
        />
        {at === undefined && error === undefined && (
          <p className="screen-wait">Waiting for the first picture…</p>
        )}
        {isMine && size !== undefined && <ScreenHands name={name} size={size} input={input} />}
      </ScreenFrame>
      <p className="screen-foot hint">
        {at !== undefined && (
          <>
            Picture of <Moment at={at} />. A new one comes about every second while this page is
            seen.
          </>
        )}
      </p>
      <ProblemNote error={error} />
    </>
  );
}

function draw(image: ImageBitmap, canvas: HTMLCanvasElement): void {
  if (canvas.width !== image.width || canvas.height !== image.height) {
    canvas.width = image.width;
    canvas.height = image.height;
  }
  canvas.getContext("2d")?.drawImage(image, 0, 0);
}
