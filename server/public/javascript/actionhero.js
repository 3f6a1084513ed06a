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
 * It connects by itself and comes back by itself, into the rooms that it was in. A request that was under way when
 * the connection broke fails: only its author knows whether it may be sent twice. A request that is made while there
 * is no connection waits for one, for its timeout at most.
 *
 * @module
 */

/** A connection without a welcome after this time is given up. In milliseconds. */
const welcomeWithin = 10_000;
/** A connection that lasted as long was a good one: after it, the back-off begins anew. In milliseconds. */
const goodAfter = 5_000;
/** More requests than these may not be under way or wait for a connection. */
const maxPending = 1_000;

const eventNames = ["welcome", "open", "message", "close", "reconnect", "error"];

/** @typedef {"server" | "timeout" | "disconnected" | "closed" | "busy"} Failure why a request failed */

/** What every request is rejected with. Its message is the server's own text if the server refused. */
export class ActionHeroError extends Error {
  /**
   * @param {Failure} code
   * @param {string} message
   * @param {object} [response] what the server answered, if it did
   */
  constructor(code, message, response) {
    super(message);
    this.name = "ActionHeroError";
    this.code = code;
    this.response = response;
  }
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
 * @property {string} [url] of the server's WebSocket: ws://, wss://, http:// or https://. Default: /ws of the page's server
 * @property {number} [timeout] milliseconds that a request may take. Default: 35000, a little more than the server allows an action
 * @property {boolean | { min?: number, max?: number, attempts?: number }} [reconnect] false for never; or the first and
 *   the longest delay in milliseconds and how often to try in a row. Default: 500, 30000, without end
 * @property {number} [heartbeat] milliseconds of silence after which the server is asked whether it is there; 0 is never.
 *   Default: 30000
 * @property {typeof WebSocket} [WebSocket] the implementation. Default: globalThis.WebSocket
 */

/** One client of the server. It starts to connect at once; {@link ActionHero#close} ends it. */
export class ActionHero {
  /** Where it connects to. @type {string} */
  url;
  /** The current room, where {@link ActionHero#say} speaks; null before the first welcome. @type {string | null} */
  room = null;
  /** The further rooms that it listens to. @type {Set<string>} */
  rooms = new Set();
  /** "connecting"; "open": requests go out; "waiting" for the next attempt; "closed". @type {string} */
  state = "closed";

  #WebSocket;
  #timeout;
  #reconnect;
  #heartbeat;
  #listeners = new Map(eventNames.map((name) => [name, new Set()]));
  #pending = new Map(); // id → request, in the order in which they were made
  #lastId = 0;
  #socket = null; // the one that counts; events of others are late
  #timers = { retry: 0, welcome: 0, beat: 0 };
  #attempt = 0; // how many connections in a row were not good
  #openedAt = 0;
  #wasOpen = false; // has ever been open
  #chosenRoom = null; // by roomChange; null: the server's choice
  #heard = false; // since the last beat
  #online = () => this.state === "waiting" && this.connect();

  /** @param {Options} [options] */
  constructor({ url, timeout = 35_000, reconnect = true, heartbeat = 30_000, WebSocket = globalThis.WebSocket } = {}) {
    if (typeof WebSocket !== "function") {
      throw new TypeError("there is no WebSocket here: pass one as the option WebSocket (in Node 20, that of the package ws)");
    }
    this.url = webSocketURL(url);
    this.#WebSocket = WebSocket;
    this.#timeout = timeout;
    this.#reconnect = reconnect && { min: 500, max: 30_000, attempts: Infinity, ...(reconnect === true ? {} : reconnect) };
    this.#heartbeat = heartbeat;
    this.connect();
  }

  /** Connects now if it is not connected: instead of waiting for the next attempt, or again after close(). */
  connect() {
    if (this.#socket) return;
    globalThis.addEventListener?.("online", this.#online);
    const socket = new this.#WebSocket(this.url);
    const current = (act) => (event) => this.#socket === socket && act(event);
    this.state = "connecting";
    this.#socket = socket;
    this.#timers.welcome = setTimeout(() => this.#drop("the server sent no welcome"), welcomeWithin);
    socket.onmessage = current(({ data }) => this.#receive(data));
    socket.onclose = current(({ code, reason }) => this.#lost(code, reason));
    // A close follows at once, but not in every implementation.
    socket.onerror = current(() => setTimeout(current(() => this.#lost(1006, "the connection failed")), 0));
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
   * @param {{ timeout?: number }} [options] in milliseconds, instead of that of the client
   * @returns {Promise<object>} the server's whole answer
   */
  action(name, params = {}, { timeout } = {}) {
    return this.#request("action", { params: { ...params, action: name } }, { timeout, what: `the action ${name}` });
  }

  /** Says something to the others in the current room. @param {string} message @returns {Promise<object>} */
  say(message) {
    return this.#request("say", { message });
  }

  /** Makes a room the current one, also after a reconnect. @param {string} room @returns {Promise<object>} */
  async roomChange(room) {
    const response = await this.#request("roomChange", { room });
    this.room = this.#chosenRoom = response.room; // without white space around it
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

  /** Tells who is in the current room. @returns {Promise<object>} with room and roomStatus */
  roomView() {
    return this.#request("roomView");
  }

  /** Tells what the server knows of this connection. @returns {Promise<object>} with details.public.id, … */
  detailsView() {
    return this.#request("detailsView");
  }

  /**
   * Calls a function at each event of a name:
   * - welcome (the server's greeting): connected, not yet back in its rooms
   * - open: connected and in its rooms; requests go out
   * - message ({ message, from, … }): someone spoke in a room: the current one, or the further one that room names
   * - close ({ code, reason, reconnectIn }): a connection ended or an attempt failed; reconnectIn is in milliseconds, or null
   * - reconnect ({ attempts }): open again
   * - error (Error): what belongs to no request, as a room that may not be joined again
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

  #listenersOf(event) {
    const listeners = this.#listeners.get(event);
    if (!listeners) throw new TypeError(`there is no event ${event}: there are ${eventNames.join(", ")}`);
    return listeners;
  }

  #emit(event, value) {
    for (const listener of [...this.#listeners.get(event)]) {
      try {
        listener(value);
      } catch (error) {
        queueMicrotask(() => { throw error; }); // reported as any other, but the client goes on
      }
    }
  }

  /** @returns {Promise<object>} urgent ones go out before the connection is open to others. */
  #request(event, fields, { timeout = this.#timeout, what = event, urgent = false } = {}) {
    return new Promise((resolve, reject) => {
      if (this.state === "closed") throw new ActionHeroError("closed", "the client is closed");
      if (this.#pending.size >= maxPending) throw new ActionHeroError("busy", `more than ${maxPending} requests wait for their answers`);
      const id = ++this.#lastId;
      const request = { id, frame: JSON.stringify({ event, id, ...fields }), what, resolve, reject, sent: false, timer: 0 };
      request.timer = setTimeout(() => this.#settle(id)?.reject(new ActionHeroError("timeout", request.sent
        ? `no answer to ${what} within ${timeout} ms` : `no connection for ${what} within ${timeout} ms`)), timeout);
      this.#pending.set(id, request);
      if (urgent || this.state === "open") this.#send(request);
    });
  }

  #send(request) {
    if (this.#socket.readyState > 1) return; // it is closing: what was not sent waits for the next one
    request.sent = true;
    this.#socket.send(request.frame);
  }

  /** Takes a request out of those that wait. */
  #settle(id) {
    const request = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(request?.timer);
    return request;
  }

  #receive(data) {
    this.#heard = true;
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      message = null;
    }
    if (typeof message !== "object" || message === null || Array.isArray(message)) {
      this.#emit("error", new ActionHeroError("server", "the server sent what is no JSON object"));
    } else if (typeof message.id === "number") {
      this.#answered(message);
    } else if (message.context === "user") {
      this.#emit("message", message);
    } else if ("welcome" in message) {
      this.#welcomed(message);
    } else if (message.error) {
      this.#emit("error", new ActionHeroError("server", String(message.error), message));
    }
  }

  #answered(response) {
    const request = this.#settle(response.id);
    if (!request) return; // it came after the timeout
    if (response.error) request.reject(new ActionHeroError("server", String(response.error), response));
    else request.resolve(response);
  }

  async #welcomed(welcome) {
    const socket = this.#socket;
    clearTimeout(this.#timers.welcome);
    this.room = welcome.room;
    this.#emit("welcome", welcome);
    await this.#rejoin(socket);
    if (this.#socket !== socket) return;
    this.state = "open";
    this.#openedAt = Date.now();
    this.#beat(socket);
    for (const request of this.#pending.values()) this.#send(request);
    const attempts = this.#attempt;
    this.#emit("open");
    if (this.#wasOpen) this.#emit("reconnect", { attempts });
    this.#wasOpen = true;
  }

  /** Goes back into the rooms. One that refuses is given up, and an event says so. */
  async #rejoin(socket) {
    const enter = async (event, room, entered, refused) => {
      try {
        await this.#request(event, { room }, { urgent: true, timeout: welcomeWithin });
        entered();
      } catch (error) {
        if (error.code === "server") {
          refused();
          this.#emit("error", error);
        } else if (this.#socket === socket) {
          this.#drop(error.message);
        }
      }
    };
    const room = this.#chosenRoom;
    if (room !== null && room !== this.room) {
      await enter("roomChange", room, () => (this.room = room), () => (this.#chosenRoom = null));
    }
    if (this.#socket !== socket) return;
    await Promise.all([...this.rooms].map((room) => enter("roomAdd", room, () => {}, () => this.rooms.delete(room))));
  }

  /** Asks a server that was silent whether it is there: a connection can be dead without anybody being told. */
  #beat(socket) {
    if (!this.#heartbeat) return;
    this.#heard = false;
    this.#timers.beat = setTimeout(async () => {
      if (!this.#heard) {
        try {
          await this.#request("detailsView", {}, { timeout: welcomeWithin });
        } catch (error) {
          if (error.code === "timeout") this.#drop("the server is silent");
        }
      }
      if (this.#socket === socket) this.#beat(socket);
    }, this.#heartbeat);
  }

  /** Gives a connection up without waiting for the other side. */
  #drop(reason) {
    const socket = this.#socket;
    this.#lost(1006, reason);
    socket.close();
  }

  #lost(code, reason) {
    const { min, max, attempts } = this.#reconnect || { attempts: 0 };
    if (this.state === "open" && Date.now() - this.#openedAt >= goodAfter) this.#attempt = 0;
    const again = this.#attempt < attempts;
    this.#reset();
    let reconnectIn = null;
    if (again) {
      reconnectIn = backoff(this.#attempt++, { min, max });
      this.state = "waiting";
      this.#timers.retry = setTimeout(() => this.connect(), reconnectIn);
    } else {
      this.#ended();
    }
    this.#rejectAll("disconnected", "the connection ended", !again);
    this.#emit("close", { code, reason, reconnectIn });
  }

  /** Forgets the connection. */
  #reset() {
    this.#socket = null;
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
  }

  #ended() {
    this.state = "closed";
    globalThis.removeEventListener?.("online", this.#online);
  }

  /** Rejects what was sent, and what was not if the client does not come back. */
  #rejectAll(code, why, unsentToo) {
    for (const { id, sent, what, reject } of [...this.#pending.values()]) {
      if (!sent && !unsentToo) continue;
      this.#settle(id);
      reject(new ActionHeroError(code, `${why} before ${what} was answered`));
    }
  }
}

function webSocketURL(url) {
  const page = globalThis.location?.href;
  if (!url && !page) throw new TypeError("the option url is needed where there is no page, as in ws://localhost:8080/ws");
  const full = new URL(url ?? "/ws", page);
  full.protocol = full.protocol.replace(/^http/, "ws");
  if (full.protocol !== "ws:" && full.protocol !== "wss:") {
    throw new TypeError(`the option url is ${url}: it must begin with ws://, wss://, http:// or https://`);
  }
  return full.href;
}
