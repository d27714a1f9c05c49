import { Dialog } from "@base-ui/react/dialog";
import { useRef, useState } from "react";

interface Props {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
  readonly source: string;
  readonly title: string;
  /** What stays in the middle when it is made larger, px of the picture. */
  readonly focus?: { readonly x: number; readonly y: number } | undefined;
}

const ZOOMS = ["fit", "1", "2", "4"] as const;
type Zoom = (typeof ZOOMS)[number];

/** A picture over the whole page: as large as fits, or in its own pixels and multiples of them. */
export function PictureDialog({ open, onOpenChange, source, title, focus }: Props) {
  const [zoom, setZoom] = useState<Zoom>("fit");
  const place = useRef<HTMLDivElement>(null);
  const picture = useRef<HTMLImageElement>(null);

  const show = (next: Zoom) => {
    setZoom(next);
    const image = picture.current;
    const frame = place.current;
    if (image === null || frame === null) return;
    const factor = next === "fit" ? undefined : Number(next);
    image.style.setProperty("width", factor ? `${image.naturalWidth * factor}px` : "");
    const { x, y } = focus ?? { x: image.naturalWidth / 2, y: image.naturalHeight / 2 };
    frame.scrollTo({
      left: x * (factor ?? 0) - frame.clientWidth / 2,
      top: y * (factor ?? 0) - frame.clientHeight / 2,
    });
  };

  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="picture-dialog">
          <div className="picture-bar">
            <Dialog.Title className="visually-hidden">{title}</Dialog.Title>
            <fieldset className="zooms">
              <legend className="visually-hidden">Size</legend>
              {ZOOMS.map((step) => (
                <button
                  key={step}
                  type="button"
                  aria-pressed={zoom === step}
                  onClick={() => show(step)}
                >
                  {step === "fit" ? "Fit" : `${step}×`}
                </button>
              ))}
            </fieldset>
            <Dialog.Close className="button quiet">Close</Dialog.Close>
          </div>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
          <div className="picture-place" data-zoom={zoom} ref={place} tabIndex={0}>
            <img ref={picture} src={source} alt={title} />
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
