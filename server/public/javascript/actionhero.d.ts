/** Why a request failed. */
export type Failure = "server" | "timeout" | "disconnected" | "closed" | "busy";

/** What every request is rejected with. Its message is the server's own text if the server refused. */
export class ActionHeroError extends Error {
  constructor(code: Failure, message: string, response?: Answer);
  readonly code: Failure;
  /** What the server answered, if it did. */
  readonly response?: Answer;
}

/** An answer of the server: the action's own output beside these. */
export interface Answer {
  id: number;
  context: "response";
  error?: string | false;
  [output: string]: unknown;
}

export interface RoomAnswer extends Answer {
  room: string;
}

export interface RoomViewAnswer extends RoomAnswer {
  roomStatus: { members: string[] | null; membersCount: number };
}

export interface DetailsAnswer extends Answer {
  details: { public: { id: string; connectedAt: number } };
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
  open: undefined;
  message: RoomMessage;
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
  /** ws://, wss://, http:// or https://. Default: /ws of the page's server. */
  url?: string;
  /** What a request may take. Default: 35000. */
  timeout?: number;
  /** false for never. Default: delays from 500 to 30000, without end. */
  reconnect?: boolean | { min?: number; max?: number; attempts?: number };
  /** The silence after which the server is asked whether it is there; 0 is never. Default: 30000. */
  heartbeat?: number;
  /** Default: globalThis.WebSocket. */
  WebSocket?: new (url: string) => WebSocketLike;
}

/** A client of an actionHero server. It connects at once, and again whenever the connection ends, until close(). */
export class ActionHero {
  constructor(options?: Options);
  readonly url: string;
  /** The current room; null before the first welcome. */
  readonly room: string | null;
  /** The further rooms that it listens to. */
  readonly rooms: ReadonlySet<string>;
  readonly state: "connecting" | "open" | "waiting" | "closed";
  connect(): void;
  close(): void;
  action<Output = Answer>(name: string, params?: object, options?: { timeout?: number }): Promise<Output>;
  say(message: string): Promise<Answer>;
  roomChange(room: string): Promise<RoomAnswer>;
  roomAdd(room: string): Promise<RoomAnswer>;
  roomLeave(room: string): Promise<RoomAnswer>;
  roomView(): Promise<RoomViewAnswer>;
  detailsView(): Promise<DetailsAnswer>;
  /** Returns a function that takes the listener away again. */
  on<Name extends keyof Events>(event: Name, listener: (value: Events[Name]) => void): () => void;
  off<Name extends keyof Events>(event: Name, listener: (value: Events[Name]) => void): void;
}

/** The delay before an attempt to reconnect: half of it is random. */
export function backoff(attempt: number, bounds: { min: number; max: number }, random?: () => number): number;
