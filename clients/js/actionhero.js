/**
 * A client of an actionHero server over plain WebSocket, without dependencies: for browsers, and for Node and others
 * that have a WebSocket.
 *
 *     import { ActionHero } from "/public/javascript/actionhero.js";
 *
 *     const client = new ActionHero();
 *     client.on("message", ({ message, from }) => console.log(from, message));
 *     const { randomNumber } = await client.action("randomNumber");
 *     await client.roomChange("kitchen");
 *     await client.say("hello");
 *
 * The client connects at once. If the connection ends, the client reconnects and enters its rooms again. A request that
 * was in flight when the connection ended fails, because only its author knows whether it may be sent twice. A request
 * that is made without a connection waits for one, until its timeout.
 *
 * A message never reaches another room than the one it was meant for: say names its room, and the server refuses it if
 * the client is not there. If the current room refuses the client after a reconnect, say fails until the app chooses a
 * room. An app whose users have a token gives it as the option auth. An app that logs in by an action does so in a
 * listener of "welcome" that returns a promise; the client enters its rooms after that promise, also the first room, if
 * that refused the client before the login.
 *
 * @module
 */

/** A connection without a welcome after this time is given up. In milliseconds. */
const welcomeWithin = 10_000;
/** If nothing comes within this time after a request, the server is asked whether it is there. In milliseconds. */
const quietFor = 2_000;
/** A server that was asked whether it is there is given up after this time without an answer. In milliseconds. */
const aliveWithin = 3_000;
/** A connection that lasted as long was a good one: after it, the back-off begins anew. In milliseconds. */
const goodAfter = 5_000;
/** More requests than these may not be under way or wait for a connection. */
const maxPending = 1_000;

/** The close code of a server that does not accept the token. */
const notAuthenticated = 4401;
/** The kinds of refusals that close a connection. */
const refusals = { [notAuthenticated]: "unauthenticated", 4403: "permissionDenied" };
/** After a close with one of these codes the client does not reconnect: the server has asked it to stay away. */
const isFinal = (code) => code >= 4400 && code < 4500;

const eventNames = ["welcome", "open", "message", "notice", "rooms", "close", "reconnect", "error"];

/** @typedef {"server" | "timeout" | "disconnected" | "closed" | "busy" | "room" | "invalid" | "aborted" | "auth"} Failure why a request failed */

/** What every request is rejected with. Its message is the server's own text if the server refused. */
export class ActionHeroError extends Error {
  /**
   * @param {Failure} code
   * @param {string} message
   * @param {object} [more]
   * @param {object} [more.response] the answer of the server, if there is one
   * @param {number} [more.closeCode] with "disconnected", and with "closed" after the server has ended the last connection: the
   *   close code of the WebSocket
   * @param {string} [more.closeReason] with a closeCode: the reason that the server gave
   */
  constructor(code, message, { response, closeCode, closeReason } = {}) {
    super(message);
    this.name = "ActionHeroError";
    this.code = code;
    this.response = response;
    this.closeCode = closeCode;
    this.closeReason = closeReason;
  }

  /** The kind of a refusal, such as "invalidInput" or "notFound", also if it has closed the connection. @returns {string | undefined} */
  get errorCode() { return this.response?.errorCode ?? refusals[this.closeCode]; }

  /** The broken rules of each input. @returns {{ field: string, rule: string, message: string }[]} */
  get errorDetails() { return this.response?.errorDetails ?? []; }

  /** Seconds after which a retry makes sense. @returns {number | undefined} */
  get retryAfter() { return this.response?.retryAfter; }
}

/**
 * The time to wait before an attempt to reconnect: it doubles with each attempt up to a limit, and half of it is
 * random, so that clients which lost the same server do not come back all at once.
 *
 * @param {number} attempt how many attempts have failed, from 0
 * @param {{ min: number, max: number }} bounds in milliseconds
 * @param {() => number} [random] as Math.random
 * @returns {number} milliseconds
 */
export function backoff(attempt, { min, max }, random = Math.random) {
  const ceiling = Math.min(max, min * 2 ** attempt);
  return ceiling / 2 + (random() * ceiling) / 2;
}

/**
 * @typedef {object} Options
 * @property {string} [url] of the server's WebSocket: ws://, wss://, http:// or https://. Default: /ws of the server that
 *   served this script, behind the same path prefix
 * @property {string | (() => string | null | undefined | Promise<string | null | undefined>)} [auth] a token that says who
 *   the client is, or a function that returns one. The function is called at each connect, so it may fetch a new token; after
 *   a refusal it is called once more. The token goes to the server in the header of the handshake, not in the URL. Without a
 *   token the client is anonymous, unless the browser sends a cookie
 * @property {number} [timeout] milliseconds that a request may take. Default: 35000, a little more than the server allows an action
 * @property {boolean | { min?: number, max?: number, attempts?: number }} [reconnect] false for never; or the first and
 *   the longest delay in milliseconds and how often to try in a row. Default: 500, 30000, without end
 * @property {number} [heartbeat] milliseconds of silence after which the server is asked whether it is there; 0 is never.
 *   Default: 30000
 * @property {number} [maxMessageBytes] a longer request is refused and not sent; the server's setting is
 *   webSockets.maxMessageBytes. Default: 65536
 * @property {(text: string) => any} [parse] parses each frame. Default: JSON.parse
 * @property {typeof WebSocket} [WebSocket] the implementation. Default: globalThis.WebSocket
 */

/** One client of the server. It starts to connect at once; {@link ActionHero#close} ends it. */
export class ActionHero {
  /** Where it connects to. @type {string} */
  url;
  /** The current room, where {@link ActionHero#say} speaks; null if there is none. @type {string | null} */
  room = null;
  /** The further rooms that it listens to. @type {Set<string>} */
  rooms = new Set();
  /** "connecting"; "open": requests go out; "waiting" for the next attempt; "closed". @type {string} */
  state = "closed";

  #WebSocket;
  #timeout;
  #reconnect;
  #heartbeat;
  #maxMessageBytes;
  #parse;
  #auth;
  #listeners = new Map(eventNames.map((name) => [name, new Set()]));
  #eventListeners = new Map(); // name of an event of rooms → its listeners
  #pending = new Map(); // id → request, in the order in which they were made
  #lastId = 0;
  #socket = null; // the one that counts; events of others are late
  #timers = { retry: 0, welcome: 0, beat: 0, quiet: 0, error: 0 };
  #attempt = 0; // how many connections in a row were not good
  #openedAt = 0;
  #wasOpen = false; // has ever been open
  #chosenRoom = null; // by roomChange; null: the server's choice
  #serverRoom = null; // the current room of this connection, as the server has last said
  #lostRoom = null; // the current room that refused this client after a reconnect
  #firstRoom = null; // the server's choice for this connection, which may have refused this client
  #refusal = null; // why that room refuses this client, which still logs in
  #heard = 0; // how many frames have come
  #welcomedOnce = false; // this connection had its welcome: any later frame with that key is no welcome
  #asking = false; // the server is being asked whether it is there
  #renewed = false; // auth was called again because the server has refused a token
  #lastClose; // how the server has ended the last connection, after which the client does not come back
  #greeting = false; // the listeners of welcome run: requests go out at once
  #awake = () => globalThis.document?.visibilityState !== "hidden" && this.#check();

  /** @param {Options} [options] */
  constructor({ url, auth, timeout = 35_000, reconnect = true, heartbeat = 30_000, maxMessageBytes = 65_536, parse = JSON.parse, WebSocket = globalThis.WebSocket } = {}) {
    if (typeof WebSocket !== "function") {
      throw new TypeError("there is no WebSocket here: pass one as the option WebSocket (in Node 20, that of the package ws)");
    }
    if (!["string", "function", "undefined"].includes(typeof auth) && auth !== null) throw new TypeError("the option auth is a token, or a function that returns one");
    this.url = webSocketURL(url);
    this.#auth = auth;
    this.#WebSocket = WebSocket;
    this.#timeout = timeout;
    this.#reconnect = reconnect && { min: 500, max: 30_000, attempts: Infinity, ...(reconnect === true ? {} : reconnect) };
    this.#heartbeat = heartbeat;
    this.#maxMessageBytes = maxMessageBytes;
    this.#parse = parse;
    this.connect();
  }

  /** Connects now if it is not connected: instead of waiting for the next attempt, or again after the client was closed. */
  connect() {
    if (this.#socket) return;
    if (this.state === "closed") this.#attempt = 0;
    this.#listenToPage(true);
    clearTimeout(this.#timers.retry);
    this.state = "connecting";
    this.#lastClose = undefined;
    this.#welcomedOnce = this.#asking = false;
    this.#timers.welcome = setTimeout(() => this.#drop("the server sent no welcome"), welcomeWithin);
    if (typeof this.#auth !== "function") {
      this.#open(this.#auth);
      return;
    }
    const waiting = { readyState: 0, close() {} }; // stands for the socket until there is a token
    this.#socket = waiting;
    (async () => this.#auth())().then(
      (token) => this.#socket === waiting && this.#open(token),
      (error) => {
        if (this.#socket !== waiting) return;
        this.#emit("error", new ActionHeroError("auth", `there is no token: ${error?.message ?? error}`));
        if (this.#socket === waiting) this.#lost(1006, "there is no token");
      },
    );
  }

  /** Opens a connection with a token, or without one. */
  #open(token) {
    const socket = token ? new this.#WebSocket(this.url, ["actionhero", `bearer.${base64url(token)}`]) : new this.#WebSocket(this.url);
    const current = (act) => (event) => this.#socket === socket && act(event);
    this.#socket = socket;
    socket.onmessage = current(({ data }) => this.#receive(data));
    socket.onclose = current(({ code, reason }) => this.#lost(code, reason));
    // A close follows at once, but not in every implementation.
    socket.onerror = current(() => (this.#timers.error = setTimeout(current(() => this.#lost(1006, "the connection failed")), 0)));
  }

  /** Ends the connection for good. What is under way fails. */
  close() {
    if (this.state === "closed") return;
    const socket = this.#socket;
    this.#reset();
    this.#ended();
    this.#attempt = 0;
    socket?.close(1000);
    this.#rejectAll("closed", "the client was closed", true);
    this.#emit("close", { code: 1000, reason: "", reconnectIn: null });
  }

  /**
   * Runs an action.
   *
   * @param {string} name
   * @param {object} [params] its inputs
   * @param {{ timeout?: number, signal?: AbortSignal, idempotencyKey?: string }} [options] timeout is in milliseconds, instead
   *   of that of the client; signal gives the request up, which the server runs to its end if it has it already; a further
   *   call with the same idempotencyKey runs nothing again
   * @returns {Promise<object>} the server's whole answer
   */
  action(name, params = {}, { timeout, signal, idempotencyKey } = {}) {
    return this.#request("action", { idempotencyKey, params: { ...params, action: name } }, { timeout, signal, what: `the action ${name}` });
  }

  /**
   * Says something to the others in the current room, or in another room that the client listens to. The message names
   * its room, so it reaches that room or none. If the current room refused the client after a reconnect, say rejects
   * with the code "room" until the app chooses a room.
   *
   * @param {string} message
   * @param {{ room?: string }} [options]
   * @returns {Promise<object>}
   */
  say(message, { room } = {}) {
    if (room === undefined && this.state === "open" && this.room === null) return Promise.reject(this.#nowhere());
    // Until the connection is open, the room is the one in which the client will be, which the app has chosen.
    return this.#request("say", { message }, { room: room ?? (this.state === "open" ? this.room : this.#chosenRoom) });
  }

  /** The error of a message that has no room. */
  #nowhere() {
    const why = this.#lostRoom === null ? "the client is in no room" : `the room ${this.#lostRoom} has refused this client`;
    return new ActionHeroError("room", `${why}: choose one with roomChange`);
  }

  /** Makes a room the current one, also after a reconnect. @param {string} room @returns {Promise<object>} */
  async roomChange(room) {
    const response = await this.#request("roomChange", { room });
    this.room = this.#chosenRoom = this.#serverRoom = response.room; // without white space around it
    this.#lostRoom = null;
    return response;
  }

  /** Listens to a further room, also after a reconnect. @param {string} room @returns {Promise<object>} */
  async roomAdd(room) {
    const response = await this.#request("roomAdd", { room });
    this.rooms.add(response.room);
    return response;
  }

  /** Leaves a further room. @param {string} room @returns {Promise<object>} */
  async roomLeave(room) {
    const response = await this.#request("roomLeave", { room });
    this.rooms.delete(response.room);
    return response;
  }

  /**
   * Tells who is in the current room, or in another room that the client may enter.
   *
   * @param {{ room?: string }} [options]
   * @returns {Promise<object>} with room and roomStatus
   */
  roomView({ room } = {}) {
    return this.#request("roomView", room === undefined ? {} : { room });
  }

  /** Tells what the server knows of this connection. @returns {Promise<object>} with details.public.id, … */
  detailsView() {
    return this.#request("detailsView");
  }

  /**
   * Calls a function at each event of a name:
   * - welcome (the server's greeting): connected, not yet back in its rooms. If a listener returns a promise, the client
   *   enters its rooms after it: here an app logs in. The requests of such a listener go out at once
   * - open ({ refusedRooms }): connected and in its rooms, except those that refused; requests go out
   * - message ({ message, from, … }): a client spoke in a room: the current one, or the further one that room names
   * - notice (object): a message of the server that belongs to no request and no room
   * - rooms ({ room, rooms }): the rooms of this client have changed, by the server or by a request of this client
   * - close ({ code, reason, reconnectIn }): a connection ended or an attempt failed; reconnectIn is in milliseconds, or null
   * - reconnect ({ attempts }): open again
   * - error (Error): a failure that belongs to no request, as a room that refuses after a reconnect
   *
   * @param {string} event
   * @param {(value: any) => void} listener
   * @returns {() => void} takes the listener away again
   */
  on(event, listener) {
    this.#listenersOf(event).add(listener);
    return () => this.off(event, listener);
  }

  /** Takes a listener away. @param {string} event @param {(value: any) => void} listener */
  off(event, listener) {
    this.#listenersOf(event).delete(listener);
  }

  /**
   * Calls a function with the values of an event that the app has declared with actionhero.Event. The client must be in a
   * room of the event. The listeners of "message" get the message, too.
   *
   * @param {string} name of the event
   * @param {(data: any, message: { room: string | null, from: string }) => void} listener room is where the event happened
   * @returns {() => void} takes the listener away again
   */
  onEvent(name, listener) {
    if (typeof listener !== "function") throw new TypeError(`the listener of the event ${name} is no function`);
    const listeners = this.#eventListeners.get(name) ?? new Set();
    this.#eventListeners.set(name, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#eventListeners.get(name) === listeners) this.#eventListeners.delete(name);
    };
  }

  #listenersOf(event) {
    const listeners = this.#listeners.get(event);
    if (!listeners) throw new TypeError(`there is no event ${event}: there are ${eventNames.join(", ")}`);
    return listeners;
  }

  /** Calls the listeners of an event and returns their results. */
  #emit(event, value) {
    return this.#call(this.#listeners.get(event), value);
  }

  #call(listeners, ...values) {
    return [...listeners].map((listener) => {
      try {
        return listener(...values);
      } catch (error) {
        queueMicrotask(() => { throw error; }); // reported as any other, but the client goes on
        return undefined;
      }
    });
  }

  /** Calls the listeners of a message, and of the event in it. What a client says is a text, so it is never an event. */
  #heardInRoom(frame) {
    this.#emit("message", frame);
    const { event, data } = Object(frame.message);
    const listeners = typeof event === "string" ? this.#eventListeners.get(event) : undefined;
    if (listeners) this.#call(listeners, data, { room: frame.room ?? this.room, from: frame.from });
  }

  /**
   * @param {object} [options]
   * @param {boolean} [options.urgent] the request goes out before the connection is open to others
   * @param {string | null} [options.room] for say: the room; null is the room in which the client is when it is sent
   * @returns {Promise<object>}
   */
  #request(event, fields, { timeout = this.#timeout, signal, what = event, urgent = this.#greeting, room } = {}) {
    return new Promise((resolve, reject) => {
      if (this.state === "closed") throw new ActionHeroError("closed", "the client is closed", this.#lastClose);
      if (this.#pending.size >= maxPending) throw new ActionHeroError("busy", `more than ${maxPending} requests wait for their answers`);
      if (signal?.aborted) throw aborted(what, signal);
      const id = ++this.#lastId;
      const request = { id, fields: { event, messageId: id, ...fields }, room, what, resolve, reject, sent: false, timer: 0, settled() {} };
      request.frame = this.#encode(request);
      request.timer = setTimeout(() => this.#late(request, timeout), timeout);
      this.#pending.set(id, request);
      if (signal) {
        const abort = () => this.#settle(id)?.reject(aborted(what, signal));
        signal.addEventListener("abort", abort);
        request.settled = () => signal.removeEventListener("abort", abort);
      }
      if (urgent || this.state === "open") this.#send(request);
    });
  }

  /** @returns {string} the frame of a request. Throws if it does not encode or is too long. */
  #encode({ fields, room, what }) {
    let frame;
    try {
      frame = JSON.stringify(room === undefined ? fields : { ...fields, room: room ?? this.room ?? undefined });
    } catch (error) {
      throw new ActionHeroError("invalid", `the params of ${what} do not encode as JSON: ${error.message}`);
    }
    const bytes = frame.length * 3 > this.#maxMessageBytes ? new TextEncoder().encode(frame).length : 0;
    if (bytes > this.#maxMessageBytes) {
      throw new ActionHeroError("invalid", `${what} has ${bytes} bytes, and the limit is ${this.#maxMessageBytes}`);
    }
    return frame;
  }

  #send(request) {
    if (this.#socket.readyState > 1) return; // it is closing: what was not sent waits for the next one
    if (request.room !== undefined && [null, this.#lostRoom].includes(request.room ?? this.room)) {
      this.#settle(request.id);
      request.reject(this.#nowhere());
      return;
    }
    request.sent = true;
    this.#socket.send(request.room === null ? this.#encode(request) : request.frame);
    if (this.#timers.quiet || this.state !== "open" || this.#asking) return;
    const heard = this.#heard;
    this.#timers.quiet = setTimeout(() => {
      this.#timers.quiet = 0;
      if (this.#heard === heard) this.#check();
    }, quietFor);
  }

  /** Rejects a request after its timeout. After a sleep of the machine, frames that have come already are read first. */
  #late(request, timeout) {
    request.timer = setTimeout(() => this.#settle(request.id)?.reject(new ActionHeroError("timeout", request.sent
      ? `no answer to ${request.what} within ${timeout} ms` : `no connection for ${request.what} within ${timeout} ms`)), 0);
  }

  /** Takes a request out of those that wait. */
  #settle(id) {
    const request = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(request?.timer);
    request?.settled();
    return request;
  }

  #receive(data) {
    this.#heard++;
    let frame;
    try {
      frame = this.#parse(data);
    } catch {
      frame = null;
    }
    if (typeof frame !== "object" || frame === null || Array.isArray(frame)) {
      this.#emit("error", new ActionHeroError("server", "the server sent a frame that is no JSON object"));
    } else if (!this.#welcomedOnce && "welcome" in frame) {
      this.#welcomedOnce = true;
      this.#welcomed(frame);
    } else if (frame.context === "response") {
      this.#answered(frame);
    } else if (frame.context === "user") {
      this.#heardInRoom(frame);
    } else if (frame.context === "rooms") {
      this.#moved(frame);
    } else if (frame.status !== "Bye!") { // a goodbye is followed by the close
      this.#emit("notice", frame);
    }
  }

  #answered(response) {
    const failure = response.error ? new ActionHeroError("server", String(response.error), { response }) : null;
    const request = this.#settle(response.messageId);
    if (request) failure ? request.reject(failure) : request.resolve(response);
    else if (failure && response.messageId === undefined) this.#refusedFirst(failure); // otherwise it came after the timeout
  }

  /** The only failure that answers no request: the first room refuses the client. */
  #refusedFirst(failure) {
    this.#firstRoom = failure.response.room ?? this.#firstRoom;
    this.#serverRoom = null;
    if (this.#greeting) { // a listener of welcome still works, perhaps at a login: the client asks again after it
      this.#refusal = failure;
      return;
    }
    if ([this.room, this.#chosenRoom].every((room) => room === null || room === this.#firstRoom)) {
      this.#lostRoom = this.#chosenRoom;
      this.room = this.#chosenRoom = null;
    }
    this.#emit("error", failure);
  }

  /**
   * The rooms of this client at the server have changed, by the server or by a request of this client. On the way back into
   * the rooms, a frame does not have all of them yet.
   */
  #moved({ room, rooms }) {
    const back = this.state !== "open";
    if ((room || null) !== this.#serverRoom) {
      this.room = this.#serverRoom = room || null;
      if (!back) this.#chosenRoom = this.room;
      this.#lostRoom = this.#refusal = null;
    }
    const further = rooms.filter((name) => name !== room);
    if (this.rooms.has(room)) further.push(room); // it stays a further room after the next roomChange
    this.rooms = new Set(back ? [...this.rooms, ...further] : further);
    if (!back) this.#emit("rooms", { room: this.room, rooms: [...this.rooms] });
  }

  async #welcomed(welcome) {
    const socket = this.#socket;
    this.#renewed = false;
    clearTimeout(this.#timers.welcome);
    this.room = this.#firstRoom = this.#serverRoom = welcome.room ?? null;
    this.#refusal = null;
    this.#greeting = true;
    const greeted = this.#emit("welcome", welcome);
    if (greeted.some((result) => typeof result?.then === "function")) {
      for (const { reason } of await Promise.allSettled(greeted)) if (reason) this.#emit("error", reason);
      if (this.#socket !== socket) return;
    }
    this.#greeting = false;
    const refusedRooms = await this.#rejoin(socket);
    if (this.#socket !== socket) return;
    this.state = "open";
    this.#openedAt = performance.now();
    this.#beat(socket);
    const attempts = this.#attempt;
    this.#emit("open", { refusedRooms });
    for (const request of [...this.#pending.values()]) if (!request.sent) this.#send(request);
    if (this.#wasOpen) this.#emit("reconnect", { attempts });
    this.#wasOpen = true;
  }

  /** Goes back into the rooms, and returns those that refuse. */
  async #rejoin(socket) {
    const refused = [];
    const enter = async (event, room, entered, gone) => {
      try {
        await this.#request(event, { room }, { urgent: true, timeout: welcomeWithin });
        entered();
      } catch (error) {
        if (error.code === "server") {
          gone();
          refused.push(room);
          this.#emit("error", error);
        } else if (this.#socket === socket) {
          this.#drop(error.message);
        }
      }
    };
    const again = this.#refusal !== null && this.#lostRoom === null;
    const room = this.#chosenRoom ?? (again ? this.#firstRoom : null);
    if (room !== null && (again || room !== this.room)) {
      await enter("roomChange", room, () => (this.room = this.#serverRoom = room), () => {
        this.#lostRoom = this.#chosenRoom ?? this.#lostRoom;
        this.room = this.#chosenRoom = null;
      });
    } else if (this.#lostRoom !== null) {
      this.room = null; // the server's choice is not the app's
    }
    if (this.#socket !== socket) return refused;
    await Promise.all([...this.rooms].map((room) => enter("roomAdd", room, () => {}, () => this.rooms.delete(room))));
    return refused;
  }

  /** Asks a server that was silent whether it is there: a connection can be dead without a sign. */
  #beat(socket) {
    if (!this.#heartbeat) return;
    const heard = this.#heard;
    this.#timers.beat = setTimeout(async () => {
      if (this.#heard === heard) await this.#check();
      if (this.#socket === socket) this.#beat(socket);
    }, this.#heartbeat);
  }

  /** Connects at once if the client waits for an attempt, and otherwise asks whether the server is still there. */
  async #check() {
    if (this.state === "waiting") this.connect();
    if (this.state !== "open" || this.#asking) return;
    const socket = this.#socket;
    this.#asking = true;
    try {
      await this.#request("detailsView", {}, { timeout: aliveWithin });
    } catch (error) {
      if (error.code === "timeout" && this.#socket === socket) this.#drop("the server is silent");
    } finally {
      if (this.#socket === socket) this.#asking = false;
    }
  }

  /** Follows the page: a machine that is on line again, and a page that is seen again, check the connection. */
  #listenToPage(on) {
    const change = on ? "addEventListener" : "removeEventListener";
    globalThis[change]?.("online", this.#awake);
    globalThis.document?.[change]("visibilitychange", this.#awake);
  }

  /** Gives a connection up without waiting for the other side. */
  #drop(reason) {
    const socket = this.#socket;
    this.#lost(1006, reason);
    socket.close();
  }

  #lost(code, reason) {
    const { min, max, attempts } = this.#reconnect || { attempts: 0 };
    if (this.state === "open" && performance.now() - this.#openedAt >= goodAfter) this.#attempt = 0;
    const renew = code === notAuthenticated && typeof this.#auth === "function" && !this.#renewed;
    const again = this.#attempt < attempts && (renew || !isFinal(code));
    this.#renewed ||= renew;
    this.#reset();
    let reconnectIn = null;
    if (again) {
      reconnectIn = backoff(this.#attempt++, { min, max });
      this.state = "waiting";
      this.#timers.retry = setTimeout(() => this.connect(), reconnectIn);
    } else {
      this.#ended();
    }
    const how = { closeCode: code, closeReason: reason };
    if (!again) this.#lastClose = how;
    this.#rejectAll("disconnected", reason ? `the connection ended (${reason})` : "the connection ended", !again, how);
    this.#emit("close", { code, reason, reconnectIn });
  }

  /** Forgets the connection. */
  #reset() {
    this.#socket = null;
    this.#greeting = false;
    for (const [name, timer] of Object.entries(this.#timers)) {
      clearTimeout(timer);
      this.#timers[name] = 0;
    }
  }

  #ended() {
    this.state = "closed";
    this.#listenToPage(false);
  }

  /** Rejects what was sent, and what was not if the client does not come back. */
  #rejectAll(code, why, unsentToo, more) {
    for (const { id, sent, what, reject } of [...this.#pending.values()]) {
      if (!sent && !unsentToo) continue;
      this.#settle(id);
      reject(new ActionHeroError(code, `${why} before ${what} was answered`, more));
    }
  }
}

/** The error of a request that its caller has given up. Its cause is the reason of the signal. */
function aborted(what, signal) {
  const error = new ActionHeroError("aborted", `${what} was given up`);
  error.cause = signal.reason;
  return error;
}

/** A text in the alphabet that the name of a subprotocol may have. */
function base64url(text) {
  const bytes = new TextEncoder().encode(text);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function webSocketURL(url) {
  if (url === "") throw new ActionHeroError("invalid", "the option url is empty: leave it out for the server of this page");
  const own = import.meta.url; // if the server served this file itself, the WebSocket is two folders above it
  const served = /^https?:.*\/javascript\/actionhero\.js([?#]|$)/.test(own);
  const page = globalThis.location?.href;
  if (!url && !page && !served) throw new ActionHeroError("invalid", "the option url is needed where there is no page, as in ws://localhost:8080/ws");
  const full = url ? new URL(url, page) : served ? new URL("../../ws", own) : new URL("/ws", page);
  full.protocol = full.protocol.replace(/^http/, "ws");
  if (full.protocol !== "ws:" && full.protocol !== "wss:") {
    throw new ActionHeroError("invalid", `the option url is ${url}: it must begin with ws://, wss://, http:// or https://`);
  }
  // The server then says when the rooms of this client change. Appended as text, so that other params stay as they are.
  if (!full.searchParams.has("rooms")) full.search += `${full.search ? "&" : "?"}rooms=follow`;
  return full.href;
}
