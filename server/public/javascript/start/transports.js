// One way each to run an action: over HTTP, plain WebSocket and Socket.IO.

import { actionURL, socketIOPath } from "./site.js";
import { parse } from "./text.js";

const patience = 35_000; // milliseconds; the server ends an action after 30 seconds by default
const script = new URL("../socket.io.js", import.meta.url);

/**
 * @typedef {object} Outcome
 * @property {boolean} ok
 * @property {string} title in a word or a sentence
 * @property {unknown} body an object, or text
 */

/**
 * Each transport tells with sent what it would send, with prepare whether it can be used (it rejects if not), and runs
 * an action with call.
 */
export function transportsOf(client) {
  return [http, webSocket(client), socketIO()];
}

const nothing = async () => {};

const http = {
  name: "HTTP",
  prepare: nothing,
  sent(action, params, key) {
    const { method, path, body } = httpRequest(action, params, key);
    const head = `${method} ${path}${key ? `\nIdempotency-Key: "${key}"` : ""}`;
    return body ? `${head}\n${body instanceof FormData ? "a form with files" : body}` : head;
  },
  async call(action, params, key) {
    const { method, path, body } = httpRequest(action, params, key);
    const headers = body && !(body instanceof FormData) ? { "Content-Type": "application/json" } : {};
    if (key) headers["Idempotency-Key"] = `"${key.replace(/["\\]/g, "\\$&")}"`;
    const init = { method, headers, ...(body ? { body } : {}) };
    const response = await fetch(path, { ...init, signal: AbortSignal.timeout(patience) });
    const text = await readable(response);
    const answer = isJSON(response) ? parse(text) : text;
    const failure = answer.error && answer.error !== "OK" ? String(answer.error) : "";
    return { ok: response.ok && !failure, title: failure || response.statusText || `HTTP ${response.status}`, body: answer };
  },
};

const hasFile = (params) => Object.values(params).some((value) => value instanceof Blob);

/** Files go over HTTP only. */
function withoutFiles(params) {
  if (hasFile(params)) throw new Error("files go over HTTP: choose it above");
}

// Values go into the body, not into the address, which servers and browsers remember.
function httpRequest(action, params, key) {
  let body = Object.keys(params).length > 0 ? JSON.stringify(params) : "";
  if (hasFile(params)) {
    body = new FormData();
    for (const [key, value] of Object.entries(params)) body.append(key, value);
  }
  return { method: body || key ? "POST" : "GET", path: actionURL(action).pathname, body };
}

/** A copy of message with the idempotency key, if there is one. */
const withKey = (message, key) => (key ? { ...message, idempotencyKey: key } : message);

const isJSON = (response) => (response.headers.get("Content-Type") ?? "").includes("json");

async function readable(response) {
  const type = response.headers.get("Content-Type") ?? "";
  if (/json|^text\/|xml|javascript/.test(type)) return response.text();
  return `${(await response.blob()).size.toLocaleString("en")} bytes of ${type}`;
}

function webSocket(client) {
  return {
    name: "WebSocket",
    prepare: nothing,
    sent: (action, params, key) => JSON.stringify({ event: "action", messageId: 1, ...withKey({}, key), params: { ...params, action } }),
    async call(action, params, key) {
      withoutFiles(params);
      if (client.state !== "open") throw new Error("there is no connection to /ws now");
      try {
        return fromAnswer(await client.action(action, params, withKey({}, key)));
      } catch (error) {
        if (!error.response) throw error;
        return fromAnswer(error.response);
      }
    },
  };
}

function fromAnswer(body) {
  return { ok: !body.error, title: body.error ? String(body.error) : "OK", body };
}

function socketIO() {
  let socket, connecting;

  async function connect() {
    await load();
    socket ??= globalThis.io({ path: socketIOPath, forceNew: true, reconnectionDelayMax: 4_000 });
    await connected(socket);
  }

  return {
    name: "Socket.IO",
    // One attempt at a time; after one that failed the next begins anew.
    prepare: () => (connecting ??= connect().finally(() => (connecting = undefined))),
    sent: (action, params, key) => `emit("action", ${JSON.stringify(withKey({ ...params, action }, key))})`,
    call: (action, params, key) => new Promise((resolve, reject) => {
      withoutFiles(params);
      socket.timeout(patience).emit("action", withKey({ ...params, action }, key), (error, response) => {
        if (error) reject(error);
        else resolve(fromAnswer(response));
      });
    }),
  };
}

/** Loads the client of Socket.IO, by an import, which a policy of trusted types allows. */
async function load() {
  if (globalThis.io) return;
  const off = new Error(`this server has no ${script.pathname}`);
  if (!socketIOPath) throw off;
  try {
    await import(script);
  } catch {
    throw off;
  }
}

function connected(socket) {
  if (socket.connected) return undefined;
  return new Promise((resolve, reject) => {
    const settle = (act) => (value) => {
      socket.off("connect", up);
      socket.off("connect_error", down);
      act(value);
    };
    const up = settle(resolve), down = settle(reject);
    socket.on("connect", up);
    socket.on("connect_error", down);
    socket.connect();
  });
}
