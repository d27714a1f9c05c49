/** What is used of the package `x11`, which has no types of its own. */
declare module "x11" {
  import type { EventEmitter } from "node:events";
  import type { Duplex } from "node:stream";

  type Answer<Reply> = (error: Error | null | undefined, reply: Reply) => boolean;

  export interface Screen {
    readonly root: number;
    readonly pixel_width: number;
    readonly pixel_height: number;
    readonly root_depth: number;
  }

  export interface Display {
    readonly client: Client;
    readonly screen: readonly Screen[];
    readonly min_keycode: number;
    readonly max_keycode: number;
    readonly image_byte_order: 0 | 1;
    readonly format: Readonly<Record<number, { bits_per_pixel: number; scanline_pad: number }>>;
  }

  export interface Property {
    readonly type: number;
    readonly format: number;
    readonly bytesAfter: number;
    readonly data: Buffer;
  }

  export interface SelectionRequest {
    readonly name: "SelectionRequest";
    readonly time: number;
    readonly requestor: number;
    readonly selection: number;
    readonly target: number;
    readonly property: number;
  }

  export interface PropertyNotify {
    readonly name: "PropertyNotify";
    readonly wid: number;
    readonly atom: number;
  }

  export interface SelectionClear {
    readonly name: "SelectionClear";
    readonly selection: number;
  }

  export interface InputEvent {
    readonly name: "KeyPress" | "KeyRelease" | "ButtonPress" | "ButtonRelease" | "MotionNotify";
    /** Of a key, or the number of a button. */
    readonly keycode: number;
    readonly rootx: number;
    readonly rooty: number;
    /** Modifiers and buttons held before it. */
    readonly buttons: number;
  }

  export interface OtherEvent {
    readonly name: "Expose" | "MapNotify" | "FocusIn" | "SelectionNotify";
  }

  export type Event = SelectionRequest | SelectionClear | PropertyNotify | InputEvent | OtherEvent;

  export interface SelectionNotify {
    readonly name: "SelectionNotify";
    readonly seq: number;
    readonly time: number;
    readonly requestor: number;
    readonly selection: number;
    readonly target: number;
    readonly property: number;
  }

  export interface XTest {
    readonly KeyPress: number;
    readonly KeyRelease: number;
    readonly ButtonPress: number;
    readonly ButtonRelease: number;
    readonly MotionNotify: number;
    FakeInput(
      type: number,
      detail: number,
      delay: number,
      window: number,
      x: number,
      y: number,
    ): void;
  }

  export interface Client extends EventEmitter<{ event: [Event]; error: [Error]; end: [] }> {
    /** Numbers of names that are known. */
    atoms: Readonly<Record<string, number>>;
    AllocID(): number;
    require(name: "xtest", answer: (error: Error | null, extension: XTest) => void): void;
    CreateWindow(
      id: number,
      parent: number,
      x: number,
      y: number,
      width: number,
      height: number,
      border: number,
      depth: number,
      kind: number,
      visual: number,
      values: Readonly<Record<string, number>>,
    ): void;
    MapWindow(window: number): void;
    SetInputFocus(window: number, revertTo: 0 | 1 | 2): void;
    ConvertSelection(
      window: number,
      selection: number,
      target: number,
      property: number,
      time: number,
    ): void;
    ChangeWindowAttributes(window: number, values: Readonly<Record<string, number>>): void;
    ChangeProperty(
      mode: 0 | 1 | 2,
      window: number,
      name: number,
      type: number,
      format: 8 | 16 | 32,
      data: Buffer,
    ): void;
    SendEvent(window: number, propagate: 0 | 1, mask: number, event: SelectionNotify): void;
    SetSelectionOwner(window: number, selection: number, time: number): void;
    ChangeKeyboardMapping(first: number, columns: number, keysyms: readonly number[]): void;
    GetSelectionOwner(selection: number, answer: Answer<number>): void;
    InternAtom(onlyIfExists: boolean, name: string, answer: Answer<number>): void;
    GetProperty(
      remove: 0 | 1,
      window: number,
      name: number,
      type: number,
      offset: number,
      length: number,
      answer: Answer<Property>,
    ): void;
    QueryTree(
      window: number,
      answer: Answer<{ readonly root: number; readonly parent: number }>,
    ): void;
    QueryPointer(
      window: number,
      answer: Answer<{
        readonly rootX: number;
        readonly rootY: number;
        readonly child: number;
        readonly keyMask: number;
      }>,
    ): void;
    GetWindowAttributes(window: number, answer: Answer<{ readonly mapState: number }>): void;
    GetGeometry(
      window: number,
      answer: Answer<{ readonly width: number; readonly height: number }>,
    ): void;
    TranslateCoordinates(
      from: number,
      to: number,
      x: number,
      y: number,
      answer: Answer<{ readonly destX: number; readonly destY: number }>,
    ): void;
    QueryKeymap(answer: Answer<Buffer>): void;
    GetInputFocus(answer: Answer<{ readonly focus: number }>): void;
    GetKeyboardMapping(
      first: number,
      count: number,
      answer: Answer<readonly (readonly number[])[]>,
    ): void;
    GetModifierMapping(answer: Answer<readonly (readonly number[])[]>): void;
    GetImage(
      format: 2,
      drawable: number,
      x: number,
      y: number,
      width: number,
      height: number,
      planes: number,
      answer: Answer<{ readonly data: Buffer }>,
    ): void;
  }

  export function createClient(
    options: {
      stream: Duplex;
      auth: { name: string; data: string };
      bufferRequests: boolean;
      disableBigRequests: boolean;
    },
    ready: (error: Error | undefined, display: Display) => void,
  ): Client;
}
