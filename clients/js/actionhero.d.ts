/** Why a request failed. */
export type Failure = "server" | "timeout" | "disconnected" | "closed" | "busy" | "room" | "invalid" | "aborted" | "auth";

/** The kind of a refusal of the server. */
export type ErrorCode =
  | "internal" | "invalidInput" | "notFound" | "alreadyExists" | "unauthenticated" | "permissionDenied"
  | "resourceExhausted" | "conflict" | "canceled" | "deadlineExceeded" | "unavailable";

/** A rule that an input breaks. */
export interface ErrorDetail {
  /** The input, with its path: "address.street", "tags[2]". */
  field: string;
  rule: string;
  message: string;
}

/** What every request is rejected with. Its message is the server's own text if the server refused. */
export class ActionHeroError extends Error {
  constructor(code: Failure, message: string, more?: { response?: Answer; closeCode?: number; closeReason?: string });
  readonly code: Failure;
  /** The answer of the server, if there is one. */
  readonly response?: Answer;
  /** With the code "disconnected", and with "closed" after the server has ended the last connection: why. */
  readonly closeCode?: number;
  readonly closeReason?: string;
  /** Also of a refusal that has closed the connection (4401, 4403). */
  readonly errorCode?: ErrorCode;
  readonly errorDetails: ErrorDetail[];
  /** Seconds after which a retry makes sense. */
  readonly retryAfter?: number;
}

/** An answer of the server: the output of the action together with these members. */
export interface Answer {
  messageId: number;
  context: "response";
  status?: string;
  error?: string | false;
  errorCode?: ErrorCode;
  errorDetails?: ErrorDetail[];
  retryAfter?: number;
  [output: string]: unknown;
}

export interface RoomAnswer extends Answer {
  room: string;
}

export interface RoomViewAnswer extends RoomAnswer {
  roomStatus: { members: string[] | null; membersCount: number; [more: string]: unknown };
}

export interface DetailsAnswer extends Answer {
  details: { params?: Record<string, unknown>; public: { id: string; connectedAt: number; [detail: string]: unknown } };
}

/** What someone said in a room. */
export interface RoomMessage {
  message: unknown;
  from: string;
  context: "user";
  /** The room, if it is not the current one. */
  room?: string;
  [more: string]: unknown;
}

export interface Events {
  welcome: { welcome: string; room: string; context: "api" };
  /** refusedRooms are the rooms that the client was in before, and that refuse it now. */
  open: { refusedRooms: string[] };
  message: RoomMessage;
  /** A message of the server that belongs to no request and no room. */
  notice: { [key: string]: unknown };
  /** The rooms of this client have changed, by the server or by a request of this client. */
  rooms: { room: string | null; rooms: string[] };
  close: { code: number; reason: string; reconnectIn: number | null };
  reconnect: { attempts: number };
  error: Error;
}

/** The part of a WebSocket that is used: that of browsers, of Node and of the package ws have it. */
export interface WebSocketLike {
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(data: string): void;
  close(code?: number): void;
}

/** Times are in milliseconds. */
export interface Options {
  /** ws://, wss://, http:// or https://. Default: /ws of the server that served the script, behind the same path prefix. */
  url?: string;
  /**
   * A token that says who the client is, or a function that returns one at each connect. Without a token the client is
   * anonymous, unless the browser sends a cookie.
   */
  auth?: string | null | (() => string | null | undefined | Promise<string | null | undefined>);
  /** What a request may take. Default: 35000. */
  timeout?: number;
  /** false for never. Default: delays from 500 to 30000, without end. */
  reconnect?: boolean | { min?: number; max?: number; attempts?: number };
  /** The silence after which the server is asked whether it is there; 0 is never. Default: 30000. */
  heartbeat?: number;
  /** A longer request is refused and not sent. In bytes. Default: 65536, as the server's webSockets.maxMessageBytes. */
  maxMessageBytes?: number;
  /** Parses each frame. Default: JSON.parse. */
  parse?: (text: string) => any;
  /** Default: globalThis.WebSocket. */
  WebSocket?: new (url: string, protocols?: string[]) => WebSocketLike;
}

/**
 * A client of an actionHero server. It connects at once, and again whenever the connection ends, until close(). RoomEvents
 * has the events that the app declares with actionhero.Event, by name: { ticketChanged: Ticket }.
 */
export class ActionHero<RoomEvents extends object = Record<string, any>> {
  constructor(options?: Options);
  readonly url: string;
  /** The current room; null if there is none: before the first welcome, or after the room has refused the client. */
  readonly room: string | null;
  /** The further rooms that it listens to. */
  readonly rooms: ReadonlySet<string>;
  readonly state: "connecting" | "open" | "waiting" | "closed";
  connect(): void;
  close(): void;
  /** A further call with the same idempotencyKey runs nothing again, if the action takes such keys. */
  action<Output = Answer>(name: string, params?: object, options?: { timeout?: number; signal?: AbortSignal; idempotencyKey?: string }): Promise<Output>;
  /** Says something in the current room, or in another room that the client listens to. */
  say(message: string, options?: { room?: string }): Promise<Answer>;
  roomChange(room: string): Promise<RoomAnswer>;
  roomAdd(room: string): Promise<RoomAnswer>;
  roomLeave(room: string): Promise<RoomAnswer>;
  roomView(options?: { room?: string }): Promise<RoomViewAnswer>;
  detailsView(): Promise<DetailsAnswer>;
  /** Returns a function that takes the listener away again. The rooms wait for promises that listeners of welcome return. */
  on<Name extends keyof Events>(event: Name, listener: (value: Events[Name]) => unknown): () => void;
  /**
   * Listens to an event of rooms, in each room in which this client is. room is where the event happened. Returns a function
   * that takes the listener away again.
   */
  onEvent<Name extends keyof RoomEvents & string>(name: Name, listener: (data: RoomEvents[Name], message: { room: string | null; from: string }) => unknown): () => void;
  off<Name extends keyof Events>(event: Name, listener: (value: Events[Name]) => unknown): void;
}

/** The delay before an attempt to reconnect: half of it is random. */
export function backoff(attempt: number, bounds: { min: number; max: number }, random?: () => number): number;
