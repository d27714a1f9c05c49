import {
  type KeyboardEvent,
  type RefObject,
  useEffect,
  useEffectEvent,
  useId,
  useRef,
  useState,
} from "react";
import { VNC_CLOSE_CODES } from "../../src/contract/desktop.ts";
import { DESKTOPS, desktopService } from "../api/desktops.ts";
import { kept, useRefresh } from "../api/queries.ts";
import type { Size } from "./picture-point.ts";
import { ScreenFrame } from "./screen-frame.tsx";
import { VncClient } from "./vnc-client.ts";

interface Props {
  readonly name: string;
  readonly isMine: boolean;
  readonly size: Size | undefined;
  /** The live picture cannot be had. */
  readonly onGone: () => void;
}

/** Connections that come to nothing, one after the other, before it is given up. */
const MAX_FAILURES = 3;
/** ms that one must hold to have come to something. */
const HOLDS_MS = 10_000;
const RETRY_MS = 1500;
/** Ends after which nothing is tried by itself. */
const STAYS_ENDED: Readonly<Record<number, string>> = {
  [VNC_CLOSE_CODES.signed_out]: "You are signed out.",
  [VNC_CLOSE_CODES.taken_over]: "Somebody else has taken the desktop over.",
  [VNC_CLOSE_CODES.protocol]: "The gateway did not understand this page and hung up.",
  [VNC_CLOSE_CODES.audit_unavailable]:
    "Input could not be put on record any more, so the connection was ended.",
};

/** A desktop live, over the gateway's guarded VNC. Until it is one's own, it is only looked at. */
export function VncScreen({ name, isMine, size: known, onGone }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const client = useRef<VncClient>(undefined);
  const failures = useRef(0);
  /** When the connection was made, as performance.now() has it. */
  const since = useRef(Number.POSITIVE_INFINITY);
  const [attempt, setAttempt] = useState(0);
  const [size, setSize] = useState(known);
  const [isLive, setLive] = useState(false);
  const [ended, setEnded] = useState<string>();
  const refresh = useRefresh();

  const onEnd = useEffectEvent((code: number): number | undefined => {
    setLive(false);
    if (code === VNC_CLOSE_CODES.signed_out) refresh(kept.session);
    refresh(DESKTOPS);
    const words = STAYS_ENDED[code];
    if (words !== undefined) {
      setEnded(words);
      return undefined;
    }
    const held = performance.now() - since.current;
    failures.current = held < HOLDS_MS ? failures.current + 1 : 1;
    if (failures.current < MAX_FAILURES) return RETRY_MS * failures.current;
    onGone();
    return undefined;
  });
  const viewOnly = useEffectEvent(() => !isMine);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each attempt is a connection of its own
  useEffect(() => {
    if (place.current === null) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    setEnded(undefined);
    since.current = Number.POSITIVE_INFINITY;
    const opened = new VncClient({
      url: desktopService.vncUrl(name),
      place: place.current,
      isViewOnly: viewOnly(),
      onConnect: (shape) => {
        since.current = performance.now();
        setSize(shape);
        setLive(true);
      },
      onEnd: (code) => {
        const pause = onEnd(code);
        if (pause !== undefined) timer = setTimeout(() => setAttempt((last) => last + 1), pause);
      },
    });
    client.current = opened;
    return () => {
      clearTimeout(timer);
      client.current = undefined;
      opened.close();
    };
  }, [name, attempt]);

  useEffect(() => {
    if (client.current !== undefined) client.current.isViewOnly = !isMine;
  }, [isMine]);

  return (
    <ScreenFrame name={name} size={size}>
      <VncPlace name={name} isMine={isMine} place={place} client={client} />
      {!isLive && (
        <p className="screen-wait" role="status">
          {ended ?? "Connecting to the live picture…"}
          {ended !== undefined && (
            <button type="button" className="button" onClick={() => setAttempt(attempt + 1)}>
              Connect again
            </button>
          )}
        </p>
      )}
    </ScreenFrame>
  );
}

interface PlaceProps {
  readonly name: string;
  readonly isMine: boolean;
  readonly place: RefObject<HTMLDivElement | null>;
  readonly client: RefObject<VncClient | undefined>;
}

/** What noVNC fills, reached by the keyboard without being caught in it. */
function VncPlace({ name, isMine, place, client }: PlaceProps) {
  const help = useId();
  const [isTyping, setTyping] = useState(false);
  const isLeaving = useRef(false);

  /** Before noVNC, which takes every key. */
  const before = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.target === event.currentTarget) {
      if (event.key !== "Enter" || !isMine) return;
      event.preventDefault();
      event.stopPropagation();
      client.current?.focus();
      return;
    }
    if (event.key !== "Escape" || !event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    isLeaving.current = true;
  };
  const after = (event: KeyboardEvent<HTMLDivElement>) => {
    if (!isLeaving.current || event.key !== "Shift") return;
    isLeaving.current = false;
    // The desktop is to know first that Shift is no longer held.
    setTimeout(() => {
      client.current?.blur();
      place.current?.focus();
    });
  };

  return (
    <>
      {/* biome-ignore-start lint/a11y/noStaticElementInteractions: it has a role in either case */}
      {/* biome-ignore-start lint/a11y/useAriaPropsSupportedByRole: of both its roles */}
      <div
        ref={place}
        className={isTyping ? "vnc typing" : "vnc"}
        role={isMine ? "application" : "img"}
        tabIndex={isMine ? 0 : -1}
        aria-label={isMine ? `Desktop ${name}, to be used` : `What desktop ${name} shows, live`}
        aria-describedby={isMine ? help : undefined}
        onKeyDownCapture={before}
        onKeyUpCapture={after}
        onFocus={(event) => setTyping(isMine && event.target !== event.currentTarget)}
        onBlur={() => setTyping(false)}
      />
      {/* biome-ignore-end lint/a11y/useAriaPropsSupportedByRole: of both its roles */}
      {/* biome-ignore-end lint/a11y/noStaticElementInteractions: it has a role in either case */}
      {isMine && (
        <p className="hands-help" id={help}>
          {isTyping
            ? "Keys go to the desktop. Shift+Escape takes them back."
            : "Click in the picture, or press Enter on it, to give the keys to the desktop."}
        </p>
      )}
    </>
  );
}
