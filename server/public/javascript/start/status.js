// The tiles at the top: the action status, asked again and again over HTTP.

import { $, el, setText } from "./dom.js";
import { actionURL } from "./site.js";

// In milliseconds. A server that limits requests is asked less often, or this page would use the limit up.
const every = 3_000, everyIfLimited = 60_000, everyWhileDown = 1_000;
const patience = 10_000;

/** @returns {{ refresh: () => void }} up is called when the server answers for the first time, and after each break. */
export function watchStatus({ up }) {
  let timer, asking = false, again = false, isUp = false;

  async function refresh() {
    again = asking;
    if (asking) return;
    clearTimeout(timer);
    asking = true;
    const next = await ask();
    asking = false;
    if (again) refresh();
    else if (!document.hidden) timer = setTimeout(refresh, next);
  }

  async function ask() {
    let answer, response;
    try {
      response = await fetch(actionURL("status"), { signal: AbortSignal.timeout(patience), cache: "no-store" });
      answer = await response.json();
    } catch {
      isUp = false;
      say("wait", "Reconnecting…");
      $("tiles").classList.add("stale");
      return everyWhileDown;
    }
    show(answer);
    say("good", "Live");
    if (!isUp) up();
    isUp = true;
    const isLimited = answer.requestorInformation?.RequestsRemaining !== undefined || response.headers.has("RateLimit");
    return isLimited ? everyIfLimited : every;
  }

  document.addEventListener("visibilitychange", () => document.hidden ? clearTimeout(timer) : refresh());
  refresh();
  return { refresh };
}

function say(state, text) {
  $("live").dataset.state = state;
  setText($("live"), text);
}

/** An app may have no action status, or show only a part of it to strangers. */
function show({ stats = {}, serverInformation = {} }) {
  const { serverName = "actionHero", apiVersion } = serverInformation;
  document.title = serverName;
  setText($("server"), serverName);
  setText($("version"), [apiVersion && `Version ${apiVersion}`, stats.id && `node ${stats.id}`].filter(Boolean).join(" · "));
  const tiles = [];
  if (stats.uptimeSeconds !== undefined) tiles.push(["up", duration(stats.uptimeSeconds)]);
  if (stats.memoryConsumption !== undefined) tiles.push(["memory", megabytes(stats.memoryConsumption)]);
  const add = (section, key, label) => {
    const value = stats[section]?.[key];
    if (value !== undefined) tiles.push([label, Number(value).toLocaleString("en")]);
  };
  add("webServer", "numberOfLocalWebRequests", "HTTP requests");
  add("webSocketServer", "numberOfLocalActiveWebSocketClients", "WebSocket clients");
  add("socketServer", "numberOfLocalActiveSocketClients", "TCP clients");
  add("cache", "numberOfObjects", "cached objects");
  add("queue", "queueLength", "queued tasks");
  if (stats.peers) tiles.push(["nodes", String(stats.peers.length)]);
  $("status").hidden = tiles.length === 0;
  $("tiles").classList.remove("stale");
  $("tiles").replaceChildren(...tiles.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

function megabytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function duration(seconds) {
  const units = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]];
  const first = Math.max(0, units.findIndex(([, size]) => seconds >= size));
  if (seconds < 1) return "0 s";
  let rest = Math.floor(seconds);
  return units.slice(first, first + 2).map(([unit, size]) => {
    const n = Math.floor(rest / size);
    rest -= n * size;
    return `${n} ${unit}`;
  }).join(" ");
}
