// The list of actions, from the action actionsView, each with a form to run it.

import { $, el, setText, whileBusy } from "./dom.js";
import { actionURL } from "./site.js";
import { format } from "./text.js";

const filterFrom = 12; // with fewer actions there is no filter
const maxShown = 20_000; // characters of an answer
const first = "randomNumber"; // open at the beginning, if it is there

/** @returns {{ load: () => Promise<void> }} load asks the server for its actions and shows what has changed. */
export function showActions(transports) {
  let transport = transports[0], shown = "";

  async function load() {
    let actions;
    try {
      const response = await fetch(actionURL("actionsView"), { cache: "no-store" });
      const answer = await response.json();
      actions = answer.actions;
      if (!actions) throw new Error(answer.error);
    } catch (error) {
      if (!shown) $("action-list").replaceChildren(el("p", { className: "soft" }, `The server does not list its actions: ${error.message}`));
      return;
    }
    const text = JSON.stringify(actions);
    if (text === shown) return; // what was typed stays
    shown = text;
    const items = actions.map((action) => item(action, () => transport));
    (items.find((i) => i.dataset.name === first) ?? items[0])?.setAttribute("open", "");
    $("action-list").replaceChildren(...items);
    $("filter-field").hidden = items.length < filterFrom;
    filter();
  }

  $("transports").append(...transports.map((t, i) => choice(t, i === 0, () => {
    transport = t;
    prepare(t);
  })));
  $("filter").addEventListener("input", filter);
  return { load };
}

function filter() {
  const wanted = $("filter").value.trim().toLowerCase();
  for (const item of $("action-list").children) {
    item.hidden = !!item.dataset.name && !item.firstChild.textContent.toLowerCase().includes(wanted);
  }
}

function choice(transport, checked, chosen) {
  const input = el("input", { type: "radio", name: "transport", value: transport.name, checked });
  input.addEventListener("change", chosen);
  return el("label", {}, input, el("span", {}, transport.name));
}

/** Gets a transport ready, and says beside the choice if it is not. Returns why not. */
async function prepare(transport) {
  const failure = await transport.prepare().then(() => undefined, (error) => error);
  if (document.querySelector("#transports input:checked").value === transport.name) {
    setText($("transport-note"), failure ? `${transport.name} is off: ${failure.message}.` : "");
  }
  return failure;
}

function item({ name, version, deprecated, description, inputs, inputSchema, idempotencyKey }, transport) {
  const shown = version ? `${name} v${version}` : name;
  const rules = (input) => inputSchema?.properties?.[input] ?? {};
  const button = el("button", {}, "Run");
  const answer = el("div", { className: "answer" });
  const key = idempotencyKey ? keyField(shown, idempotencyKey === "required") : undefined;
  const form = el("form", {},
    ...inputs.required.map((input) => field(shown, input, true, rules(input))),
    ...inputs.optional.map((input) => field(shown, input, false, rules(input))),
    ...(key ? [key] : []), button, answer);
  // The state is there before the first answer: what changes in it is read out, what appears with it is not.
  const state = el("p", { role: "status" });
  answer.append(state);
  form.addEventListener("submit", whileBusy(button, async () => {
    const params = version ? { apiVersion: version } : {};
    for (const [key, value] of new FormData(form)) if (value !== "" && value.size !== 0) params[key] = value;
    await run(transport(), name, params, key?.lastChild.value, answer, state);
  }));
  return el("details", { className: "action", name: "action", data: { name: shown } },
    el("summary", {}, el("b", {}, shown), el("span", {}, deprecated ? `Deprecated ${deprecated}. ${description}` : description)), form);
}

/** A secret is not shown, and a file is chosen. */
function field(action, name, required, { writeOnly, format }) {
  const type = format === "binary" ? "file" : writeOnly ? "password" : "text";
  const id = `input-${action}-${name}`;
  return el("div", { className: "field" },
    el("label", { htmlFor: id }, name, " ", el("small", {}, required ? "required" : "optional")),
    el("input", { id, name, required, type, autocomplete: writeOnly ? "new-password" : "off", autocapitalize: "none", spellcheck: false }));
}

/** The idempotency key: the next run with the same one gets the same answer. It has no name, so it is no param. */
function keyField(action, required) {
  const id = `key-of-${action}`;
  const input = el("input", { id, required, type: "text", maxLength: 255, autocomplete: "off", autocapitalize: "none", spellcheck: false, value: newKey() });
  return el("div", { className: "field" },
    el("label", { htmlFor: id }, "idempotency key ", el("small", {}, `${required ? "required" : "optional"}; an operation runs once for each key`)), input);
}

/** A random key. crypto.randomUUID is missing on pages over plain HTTP. */
const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

async function run(transport, action, params, key, answer, state) {
  const started = performance.now();
  let outcome;
  try {
    const failure = await prepare(transport);
    if (failure) throw failure;
    outcome = await transport.call(action, params, key);
  } catch (error) {
    outcome = { ok: false, title: `${transport.name}: ${error.message}`, body: "" };
  }
  const took = performance.now() - started;
  state.dataset.state = outcome.ok ? "good" : "bad";
  state.replaceChildren(el("b", {}, outcome.title), el("span", { className: "soft" }, `${transport.name} · ${took.toFixed(took < 10 ? 1 : 0)} ms`));
  const sent = el("pre", { className: "sent" }, transport.sent(action, params, key));
  const body = el("pre", { className: "got", role: "group", tabIndex: 0, ariaLabel: "What the server answered" }, ...shownAs(outcome.body));
  answer.replaceChildren(state, sent, ...(outcome.body === "" ? [] : [body]));
}

/** The parts of an answer to show: text as it is, objects as JSON with colours. */
function shownAs(body) {
  const text = typeof body === "string" ? body : format(body);
  const cut = text.length > maxShown ? [`\n… and ${(text.length - maxShown).toLocaleString("en")} more characters`] : [];
  const start = text.slice(0, maxShown);
  return [...(typeof body === "string" ? [start] : coloured(start)), ...cut];
}

function coloured(json) {
  const parts = [];
  let end = 0;
  for (const match of json.matchAll(/"(?:[^"\\]|\\.)*"(:?)/g)) {
    parts.push(json.slice(end, match.index), el("span", { className: match[1] ? "key" : "string" }, match[0]));
    end = match.index + match[0].length;
  }
  return [...parts, json.slice(end)];
}
