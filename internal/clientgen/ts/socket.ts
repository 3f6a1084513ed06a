/* The same calls over one WebSocket, and the rooms and events that only a connection has. */

import { ActionHero } from "./actionhero.js";
import { type ActionSpec, ApiError, type Auth, type CallOptions, Clock, type Code, Download, failureOf, newKey, retrying, type Transport } from "./runtime.js";

/** An event of rooms that the app has declared. */
export interface RoomEvent<Data, Params> {
  readonly name: string;
  /** The name of a room of the event. */
  readonly room: (params: Params) => string;
  /** Never there: the type of the values. */
  readonly data?: Data;
}

/** What someone said in a room, or what the server sent there. */
export interface RoomMessage {
  readonly message: unknown;
  readonly from: string;
  /** The room, if it is not the current one. */
  readonly room?: string;
  readonly [more: string]: unknown;
}

export interface SocketEvents {
  /** Connected, and not yet in the rooms again. After a promise of a listener, the rooms follow: here an app logs in by an action. */
  welcome: { readonly welcome: string; readonly room?: string };
  /** Connected and in the rooms, except those that refuse now. Events may have been missed: read again what they are about. */
  open: { readonly refusedRooms: readonly string[] };
  message: RoomMessage;
  /** A message of the server that belongs to no call and no room. */
  notice: { readonly [key: string]: unknown };
  /** The rooms have changed, by the server or by this client. */
  rooms: { readonly room: string | null; readonly rooms: readonly string[] };
  /** The connection ended. The next attempt is in reconnectIn milliseconds; null: there is none. */
  close: { readonly code: number; readonly reason: string; readonly reconnectIn: number | null };
  reconnect: { readonly attempts: number };
  /** A failure that belongs to no call, such as a room that refuses after a reconnect. */
  error: Error;
}

/** Who is in a room. */
export interface RoomStatus {
  readonly members: readonly string[] | null;
  readonly membersCount: number;
  readonly [more: string]: unknown;
}

/** Times are in milliseconds. */
export interface SocketOptions {
  /** The address of the server, such as "https://api.example.com". Default: the server of the page. */
  url?: string | undefined;
  /** Asked at each connect. Default: none; a browser sends the cookies of its page. */
  auth?: Auth | null | undefined;
  /**
   * Carries uploads, downloads, and actions that run over HTTP alone. Without it, a download has up to 256 KiB, as the setting
   * webSockets.maxContentBytes, and the others fail.
   */
  http?: Transport | undefined;
  /** Default: 35000. */
  timeout?: number | undefined;
  /** Default: 2. */
  retries?: number | undefined;
  /** false for never. Default: delays from 500 to 30000, without end. */
  reconnect?: boolean | { min?: number; max?: number; attempts?: number } | undefined;
  /** The silence after which the server is asked whether it is there; 0 is never. Default: 30000. */
  heartbeat?: number | undefined;
  /** A longer call is refused and not sent. In bytes. Default: 65536, as the setting webSockets.maxMessageBytes. */
  maxMessageBytes?: number | undefined;
  /** Default: that of the platform. Node 20 has none: the package ws does. */
  WebSocket?: (new (url: string, protocols?: string[]) => object) | undefined;
}

type Answer = { [name: string]: unknown };

/** What is used of the connection. */
interface Connection {
  readonly state: "connecting" | "open" | "waiting" | "closed";
  readonly room: string | null;
  readonly rooms: ReadonlySet<string>;
  connect(): void;
  close(): void;
  action(name: string, params: object, options: { timeout?: number; signal: AbortSignal; idempotencyKey?: string }): Promise<Answer>;
  say(message: string, options: { room?: string }): Promise<Answer>;
  roomChange(room: string): Promise<Answer>;
  roomAdd(room: string): Promise<Answer>;
  roomLeave(room: string): Promise<Answer>;
  roomView(options: { room?: string }): Promise<Answer>;
  on(event: string, listener: (value: never) => unknown): () => void;
  onEvent(name: string, listener: (data: never, message: { room: string | null; from: string }) => void): () => void;
}

/**
 * Sends each call over one connection, which opens at once and again whenever it ends, until close. Calls wait for it. After a
 * reconnect, the client is in its rooms again.
 */
export class Socket implements Transport {
  readonly #connection: Connection;
  readonly #options: SocketOptions;
  #refused = false; // the server has refused the last token

  constructor(options: SocketOptions = {}) {
    this.#options = options;
    const { auth, heartbeat, maxMessageBytes, reconnect, WebSocket } = options;
    const given = {
      url: socketURL(options.url), heartbeat, maxMessageBytes, reconnect, WebSocket, timeout: longest,
      auth: typeof auth === "function" ? () => auth(this.#refused) : auth,
    };
    const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    this.#connection = new (ActionHero as unknown as new (options: object) => Connection)(known);
    this.on("close", ({ code }) => (this.#refused = code === notAuthenticated));
    this.on("welcome", () => void (this.#refused = false));
  }

  get state(): "connecting" | "open" | "waiting" | "closed" {
    return this.#connection.state;
  }
  /** The current room, in which say speaks. */
  get room(): string | null {
    return this.#connection.room;
  }
  /** The further rooms. */
  get rooms(): ReadonlySet<string> {
    return this.#connection.rooms;
  }
  /** Connects now, instead of at the next attempt, or again after close. */
  connect(): void {
    this.#connection.connect();
  }
  /** Ends the connection for good. What is under way fails. */
  close(): void {
    this.#connection.close();
  }

  async call<Output>(spec: ActionSpec, input: object | undefined, options: CallOptions = {}): Promise<Output> {
    const cannot = spec.files !== undefined || "body" in options || (spec.over !== undefined && !spec.over.includes("websocket"));
    if ((cannot || spec.content) && this.#options.http) return this.#options.http.call<Output>(spec, input, options);
    if (cannot) throw new ApiError("invalidCall", spec.name, `the action ${spec.name} does not run over WebSocket: set the option http`);
    const key = options.idempotencyKey ?? (spec.keyed ? newKey() : undefined);
    const clock = new Clock(spec.name, options.timeout ?? this.#options.timeout ?? 35_000, options.signal ?? undefined);
    try {
      const again = spec.idempotent === true || spec.keyed === true;
      const retries = again ? options.retries ?? this.#options.retries ?? 2 : 0;
      const answer = await retrying(retries, clock, () => this.#send(spec.name, clock,
        () => this.#connection.action(spec.name, input ?? {}, { signal: clock.signal, ...(key === undefined ? {} : { idempotencyKey: key }) })));
      return output(spec, answer) as Output;
    } finally {
      clock.stop();
    }
  }

  /** Says something to the others in the current room, or in another room of this client. */
  async say(message: string, options: { room?: string } = {}): Promise<void> {
    await this.#ask("say", (connection) => connection.say(message, options));
  }
  /** Makes a room the current one. */
  async roomChange(room: string): Promise<void> {
    await this.#ask("roomChange", (connection) => connection.roomChange(room));
  }
  /** Listens to a further room. */
  async roomAdd(room: string): Promise<void> {
    await this.#ask("roomAdd", (connection) => connection.roomAdd(room));
  }
  /** Leaves a further room. */
  async roomLeave(room: string): Promise<void> {
    await this.#ask("roomLeave", (connection) => connection.roomLeave(room));
  }
  /** Tells who is in the current room, or in another room that the client may enter. */
  async roomView(room?: string): Promise<RoomStatus> {
    const answer = await this.#ask("roomView", (connection) => connection.roomView(room === undefined ? {} : { room }));
    return answer["roomStatus"] as RoomStatus;
  }

  /** Calls a function at each event of the connection. The result takes the listener away again. */
  on<Name extends keyof SocketEvents>(name: Name, listener: (value: SocketEvents[Name]) => unknown): () => void {
    return this.#connection.on(name, listener);
  }

  /** Calls a function with each value of an event, in all rooms of this client. The result takes the listener away again. */
  onEvent<Data, Params>(event: RoomEvent<Data, Params>, listener: (data: Data, message: { room: string | null; from: string }) => void): () => void {
    return this.#connection.onEvent(event.name, listener);
  }

  async #ask(what: string, request: (connection: Connection) => Promise<Answer>): Promise<Answer> {
    const clock = new Clock(what, this.#options.timeout ?? 35_000, undefined);
    try {
      return await this.#send(what, clock, () => clock.wait(request(this.#connection)));
    } finally {
      clock.stop();
    }
  }

  /** Makes an ApiError of each failure. */
  async #send(what: string, clock: Clock, request: () => Promise<Answer>): Promise<Answer> {
    try {
      return await request();
    } catch (error) {
      if (clock.failure) throw clock.failure;
      const { code, response, closeCode, message } = error as { code?: string; response?: Answer; closeCode?: number; message: string };
      if (response) {
        throw failureOf(what, { code: response["errorCode"] ?? "internal", message, details: response["errorDetails"], retryAfter: response["retryAfter"] });
      }
      throw new ApiError(closeCode === notAuthenticated ? "unauthenticated" : codes[code ?? ""] ?? "invalidCall", what, message, { cause: error });
    }
  }
}

/** The close code of a server that does not accept the token. */
const notAuthenticated = 4401;
/** The time limits of the connection's requests are those of this file. In milliseconds. */
const longest = 2 ** 31 - 1;
/** The codes of failures of the connection, in the words of ApiError. */
const codes: { readonly [code: string]: Code } = { disconnected: "network", closed: "closed", busy: "busy", room: "conflict", timeout: "timeout", aborted: "aborted" };

function socketURL(url: string | undefined): string | undefined {
  if (url === undefined) return undefined;
  const full = new URL(url);
  if (!/\/ws$/.test(full.pathname)) full.pathname = full.pathname.replace(/\/*$/, "/ws");
  return full.href;
}

/** Returns the output in an answer. */
function output(spec: ActionSpec, answer: Answer): unknown {
  if (spec.content) {
    const { name = "", type = "", base64 = "" } = answer["content"] as { name?: string; type?: string; base64?: string };
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    return new Download(new Response(bytes, { headers: {
      "Content-Type": type, "Content-Length": String(bytes.length), "Content-Disposition": `attachment; filename*=UTF-8''${encodeURIComponent(name)}`,
    } }));
  }
  if (spec.none) return undefined;
  const { context, error, messageId, ...rest } = answer;
  void [context, error, messageId];
  return rest;
}
