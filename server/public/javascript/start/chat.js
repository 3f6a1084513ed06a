// The chat: rooms over plain WebSocket, with the client that every app can use.

import { $, el, setText, whileBusy } from "./dom.js";

const keep = 200; // messages
const askAgain = 400; // milliseconds; many may come and go at once
// What the server says on behalf of those who come and go.
const comingAndGoing = new Map([["I have entered the room", "came in"], ["I have left the room", "left"]]);

/** @param {import("../actionhero.js").ActionHero} client */
export function startChat(client) {
  let me = "", countTimer, wasOpen = false;

  client.on("open", async ({ refusedRooms }) => {
    wasOpen = true;
    if (refusedRooms.length > 0) event(`You are no longer in ${refusedRooms.join(", ")}. Choose a room.`);
    if (document.activeElement !== $("room")) $("room").value = client.room ?? "";
    try {
      me = (await client.detailsView()).details.public.id;
      setText($("chat-note"), `You are ${nameOf(me)}.`);
    } catch (error) {
      setText($("chat-note"), error.message);
    }
    count();
  });
  let asked = null; // the room for which the form waits
  client.on("reconnect", () => event("Connected again."));
  client.on("close", ({ reason, reconnectIn }) => {
    if (me) event(reconnectIn === null ? `The server has closed the connection: ${reason}` : "The connection was lost.");
    me = "";
    setText($("members"), "");
    setText($("chat-note"), reconnectIn === null ? "Not connected. Reload the page to try again." : wasOpen ? "Not connected. Trying again…" : "No connection to /ws: it may be off on this server. Trying again…");
  });
  client.on("error", (error) => event(error.message));
  client.on("rooms", ({ room }) => {
    if (room === asked) return; // the form says so itself
    event(`The server has moved you to ${room ?? "no room"}.`);
    if (document.activeElement !== $("room")) $("room").value = room ?? "";
    count();
  });
  client.on("message", ({ message, from }) => {
    if (comingAndGoing.has(message)) {
      event(`${nameOf(from)} ${comingAndGoing.get(message)}`);
      countSoon();
    } else {
      said(from, message);
    }
  });

  function countSoon() {
    clearTimeout(countTimer);
    countTimer = setTimeout(count, askAgain);
  }

  async function count() {
    try {
      const { room, roomStatus } = await client.roomView();
      setText($("members"), `${roomStatus.membersCount.toLocaleString("en")} in ${room}`);
    } catch {
      setText($("members"), ""); // the connection says why
    }
  }

  on($("room-form"), async () => {
    const room = $("room").value.trim();
    if (room === client.room) return;
    asked = room;
    try {
      await client.roomChange(room);
    } finally {
      asked = null;
    }
    event(`You are in ${room} now.`);
    $("say").focus();
    await count();
  });

  on($("say-form"), async () => {
    const text = $("say").value;
    await client.say(text);
    if ($("say").value === text) $("say").value = "";
    said(me, text, true);
  });

  /** Runs what a form is for, and tells below it what went wrong; what was typed stays then. */
  function on(form, work) {
    form.addEventListener("submit", whileBusy(form.querySelector("button"), async () => {
      if (client.state !== "open") return; // the note below says so
      try {
        await work();
        setText($("chat-note"), `You are ${nameOf(me)}.`);
      } catch (error) {
        setText($("chat-note"), error.message);
      }
    }));
  }
}

/** Clients are known by ids; their ends tell them apart. Others, as the server, have names. */
function nameOf(from) {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(from) ? `guest ${from.slice(-4)}` : from;
}

function said(from, message, own = false) {
  const text = typeof message === "string" ? message : JSON.stringify(message);
  const time = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  append(el("div", { className: own ? "said own" : "said" },
    el("small", {}, el("b", { title: from }, own ? "you" : nameOf(from)), ` ${time}`), el("span", {}, text)));
}

function event(text) {
  append(el("p", { className: "event" }, text));
}

/** Shows an entry, and scrolls to it unless the reader looks at older ones. */
function append(entry) {
  const log = $("log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  log.querySelector(".empty")?.remove();
  log.append(entry);
  while (log.children.length > keep) log.firstChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}
