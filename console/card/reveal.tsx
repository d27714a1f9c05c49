import {
  createContext,
  type ReactNode,
  type RefObject,
  useContext,
  useEffect,
  useId,
  useMemo,
  useRef,
  useSyncExternalStore,
} from "react";
import { type GateState, RevealGate } from "./reveal-gate.ts";

/** What lies over the card: nothing under it is seen. */
const COVERS = { top: ".top", bottom: ".decide" } as const;
/** A piece taller than the view (a zoomed page) counts when it fills so much of it. */
const FILLS = 0.8;
const THRESHOLDS = Array.from({ length: 21 }, (_, index) => index / 20);

interface Reveal {
  readonly gate: RevealGate;
  /** Undefined while there is nothing to decide: then nothing is watched. */
  watch(id: string, element: Element): () => void;
}

const RevealContext = createContext<Reveal | undefined>(undefined);

/** Watches which pieces of a card a person has had in view. One for each plan. */
export function RevealProvider({ children }: { children: ReactNode }) {
  const reveal = useMemo(createReveal, []);
  useEffect(() => reveal.start(), [reveal]);
  return <RevealContext value={reveal}>{children}</RevealContext>;
}

export function useGate(): { gate: RevealGate; state: GateState } {
  const reveal = useContext(RevealContext);
  if (reveal === undefined) throw new Error("useGate outside RevealProvider");
  return {
    gate: reveal.gate,
    state: useSyncExternalStore(reveal.gate.subscribe, reveal.gate.state),
  };
}

/** For what is also shown where nothing is decided. */
export function useOptionalGate(): RevealGate | undefined {
  return useContext(RevealContext)?.gate;
}

/** A part of the plan that must have been in view. Small enough to fit a phone's screen. */
export function Piece({
  children,
  className,
  ready = true,
}: {
  children: ReactNode;
  className?: string;
  /** Not watched before: a picture that is still on its way. */
  ready?: boolean;
}) {
  const id = useId();
  const element = useRef<HTMLDivElement>(null);
  usePiece(id, element, ready);
  return (
    <div ref={element} data-piece={id} className={className}>
      {children}
    </div>
  );
}

function usePiece(id: string, element: RefObject<Element | null>, ready: boolean): void {
  const reveal = useContext(RevealContext);
  useEffect(() => {
    if (reveal === undefined) return;
    reveal.gate.add(id);
    return () => reveal.gate.remove(id);
  }, [reveal, id]);
  useEffect(() => {
    if (!ready || reveal === undefined || element.current === null) return;
    return reveal.watch(id, element.current);
  }, [reveal, id, ready, element]);
}

/** Brings the next part that was not in view into it. */
export function showNextPiece(gate: RevealGate): void {
  for (const element of document.querySelectorAll<HTMLElement>("[data-piece]")) {
    if (gate.isSeen(element.dataset.piece ?? "")) continue;
    element.scrollIntoView({ block: "center" });
    return;
  }
}

function createReveal(): Reveal & { start(): () => void } {
  const gate = new RevealGate();
  const ids = new Map<Element, string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let observer: IntersectionObserver | undefined;

  const later = () => {
    clearTimeout(timer);
    gate.update();
    const next = gate.nextChange();
    if (next !== undefined) timer = setTimeout(later, next + 1);
  };

  const observe = () => {
    observer?.disconnect();
    const [top, bottom] = [heightOf(COVERS.top), heightOf(COVERS.bottom)];
    observer = new IntersectionObserver(
      (entries) => {
        if (document.visibilityState !== "visible") return;
        for (const entry of entries) {
          const id = ids.get(entry.target);
          if (id !== undefined) gate.view(id, isInView(entry));
        }
        later();
      },
      { rootMargin: `-${top}px 0px -${bottom}px 0px`, threshold: THRESHOLDS },
    );
    for (const element of ids.keys()) observer.observe(element);
  };

  const start = () => {
    // Looks anew, also for the first time, when what covers the card grows or shrinks.
    const covers = new ResizeObserver(observe);
    for (const selector of Object.values(COVERS)) {
      const element = document.querySelector(selector);
      if (element !== null) covers.observe(element);
    }
    observe();
    const wake = () => {
      if (document.visibilityState === "visible") {
        // What is in view now was not looked at while the page was in the back.
        observe();
        gate.disturb();
      } else {
        gate.hide();
      }
      later();
    };
    const disturb = () => {
      gate.disturb();
      later();
    };
    document.addEventListener("visibilitychange", wake);
    addEventListener("focus", disturb);
    addEventListener("blur", disturb);
    const unsubscribe = gate.subscribe(() => queueMicrotask(later));
    later();
    return () => {
      document.removeEventListener("visibilitychange", wake);
      removeEventListener("focus", disturb);
      removeEventListener("blur", disturb);
      unsubscribe();
      clearTimeout(timer);
      covers.disconnect();
      observer?.disconnect();
      observer = undefined;
    };
  };

  return {
    gate,
    start,
    watch: (id, element) => {
      ids.set(element, id);
      observer?.observe(element);
      return () => {
        ids.delete(element);
        observer?.unobserve(element);
      };
    },
  };
}

function heightOf(selector: string): number {
  return Math.floor(document.querySelector(selector)?.getBoundingClientRect().height ?? 0);
}

function isInView({
  isIntersecting,
  intersectionRatio,
  intersectionRect,
  rootBounds,
}: IntersectionObserverEntry) {
  if (!isIntersecting) return false;
  if (intersectionRatio >= 0.95) return true;
  return rootBounds !== null && intersectionRect.height >= FILLS * rootBounds.height;
}
