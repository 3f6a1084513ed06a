// The page that shows the document of OpenAPI and runs its operations. What a server sent goes into the page as text only.

import { example, lines, resolve } from "./schema.js";

const $ = (id) => document.getElementById(id);
const maxShown = 200_000; // characters of an answer

/** The root of the server as seen from here, and where its documents are. */
const site = JSON.parse(await (await fetch("site.json", { cache: "no-store" })).text());
const root = new URL(site.root, location.href);
const below = (path) => new URL(path.replace(/^\//, ""), root);

let doc, shown = "";
const credentials = {}; // by scheme; they are in this page only, and are gone when it is closed

function el(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Adds what the user has given for the schemes: headers, or params of the query. */
function authorize(headers, url) {
  for (const [name, scheme] of Object.entries(doc?.components?.securitySchemes ?? {})) {
    const value = credentials[name];
    if (!value) continue;
    if (scheme.type === "http") headers.set("Authorization", scheme.scheme === "basic" ? `Basic ${base64(value)}` : `Bearer ${value}`);
    else if (scheme.in === "header") headers.set(scheme.name, value);
    else if (scheme.in === "query") url.searchParams.set(scheme.name, value);
  }
}

const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/** Reads the document as the caller may see it, and shows it if it has changed. */
async function load() {
  const url = below(site.openAPI), headers = new Headers();
  try {
    authorize(headers, url);
    const response = await fetch(url, { headers, cache: "no-store" });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text.slice(0, 200)}`);
    if (text === shown) return;
    doc = JSON.parse(text);
    shown = text;
  } catch (error) {
    $("state").textContent = `There is no document: ${error.message}`;
    return;
  }
  document.title = $("title").textContent = `${doc.info.title} ${doc.info.version}`;
  showLogin();
  const open = new Set([...document.querySelectorAll("details[open]")].map((d) => d.dataset.id));
  const kept = new Map([...document.querySelectorAll("#operations > details")].map((d) => [d.dataset.id, d]));
  const list = [];
  for (const [path, methods] of Object.entries(doc.paths)) {
    for (const [method, op] of Object.entries(methods)) {
      const source = JSON.stringify(op);
      const old = kept.get(op.operationId);
      list.push(old?.source === source ? old : Object.assign(operation(path, method, op), { source, open: open.has(op.operationId) }));
    }
  }
  $("operations").replaceChildren(...list);
  $("state").textContent = `${list.length} operations that you may call`;
  filter();
}

function filter() {
  const wanted = $("filter").value.trim().toLowerCase();
  for (const item of $("operations").children) item.hidden = !item.firstChild.textContent.toLowerCase().includes(wanted);
}

/** Shows a field for each scheme whose credential a page can send. */
function showLogin() {
  const schemes = Object.entries(doc.components?.securitySchemes ?? {});
  $("login").hidden = schemes.length === 0;
  if ($("login-form").childElementCount > 0) return;
  const notes = [];
  for (const [name, scheme] of schemes) {
    if (scheme.type === "mutualTLS") notes.push("A client certificate is chosen by the browser.");
    else if (scheme.in === "cookie") notes.push("A session begins when you run the operation that logs you in: the browser keeps its cookie.");
    else {
      const what = scheme.type !== "http" ? `the key in ${scheme.name}` : scheme.scheme === "basic" ? "user:password" : "the token";
      const input = el("input", { id: `login-${name}`, type: "password", autocomplete: "off", value: credentials[name] ?? "" });
      input.addEventListener("input", () => (credentials[name] = input.value.trim()));
      $("login-form").append(el("label", { htmlFor: input.id }, `${name} `, el("small", {}, what)), input);
    }
  }
  if ($("login-form").childElementCount > 0) $("login-form").append(el("button", {}, "Use"));
  $("login-note").textContent = [...new Set(notes)].join(" ");
}

/** Returns an operation with its description and its form. */
function operation(path, method, op) {
  const marks = [op["x-kind"], op["x-access"], op.deprecated && "deprecated"].filter(Boolean).join(", ");
  const summary = el("summary", {}, el("b", {}, method.toUpperCase()), " ", el("code", {}, path), ` ${op.summary} `, el("span", { className: "soft" }, marks));
  const item = el("details", {}, summary);
  item.dataset.id = op.operationId;
  item.addEventListener("toggle", () => {
    if (item.open && item.childElementCount === 1) item.append(...body(path, method, op));
  });
  return item;
}

function body(path, method, op) {
  const form = el("form", {});
  const fields = (op.parameters ?? []).map((p) => field(form, op, p));
  const content = Object.entries(op.requestBody?.content ?? {});
  const chosen = content.find(([type]) => type === "multipart/form-data") ?? content[0];
  const input = chosen && (chosen[0] === "multipart/form-data" ? formFields(form, op, chosen[1].schema) : textField(form, op, chosen));
  const answer = el("div", { className: "answer" });
  answer.setAttribute("aria-live", "polite");
  const button = el("button", {}, op["x-kind"] === "destructive" ? "Run (destructive)" : "Run");
  const stop = el("button", { type: "button", hidden: true }, "Stop");
  form.append(button, stop);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    run(path, method, fields, input, answer, stop).finally(() => {
      button.disabled = false;
      stop.hidden = true;
    });
  });
  return [el("p", {}, op.description ?? ""), form, answer, el("details", {}, el("summary", {}, "Answers"), el("pre", {}, answers(op)))];
}

/** Describes the answers of an operation. */
function answers(op) {
  return Object.entries(op.responses).map(([status, response]) => {
    const { description, content = {} } = resolve(doc, response);
    const types = Object.entries(content).map(([type, media]) => `${type}\n${lines(doc, media["x-event-data"] ?? media.schema, 2)}`);
    return [`${status} ${description}`, ...types].join("\n");
  }).join("\n\n");
}

/** A field for a param in the path, the query or a header. */
function field(form, op, param) {
  const schema = param.schema ?? param.content?.["application/json"]?.schema ?? {};
  const key = param.name === "Idempotency-Key";
  const id = `${op.operationId}-${param.in}-${param.name}`;
  const input = el("input", { id, autocomplete: "off", required: !!param.required, value: schema.default ?? "" });
  if (key) input.value = `"${globalThis.crypto.randomUUID?.() ?? Math.random().toString(36).slice(2)}"`;
  form.append(el("label", { htmlFor: id }, `${param.name} `, el("small", {}, [param.in, lines(doc, schema, 0), param.description].filter(Boolean).join(" · "))), input);
  return { param, input, list: resolve(doc, schema).type === "array" };
}

/** A text field for a body of JSON. */
function textField(form, op, [type, { schema }]) {
  const id = `${op.operationId}-body`;
  const area = el("textarea", { id, spellcheck: false, value: type === "application/json" ? JSON.stringify(example(doc, schema), null, 2) : "" });
  form.append(el("label", { htmlFor: id }, `Body `, el("small", {}, type)), area, el("details", {}, el("summary", {}, "Inputs"), el("pre", {}, lines(doc, schema, 0))));
  return (headers) => {
    if (area.value.trim() === "") return undefined;
    headers.set("Content-Type", type === "*/*" ? "application/octet-stream" : type);
    return area.value;
  };
}

/** A field for each member of a form with files. */
function formFields(form, op, schema) {
  const { properties = {}, required = [] } = resolve(doc, schema);
  const inputs = Object.entries(properties).map(([name, raw]) => {
    const property = resolve(doc, raw);
    const file = property.format === "binary" || property.items?.format === "binary";
    const id = `${op.operationId}-form-${name}`;
    const input = el("input", { id, type: file ? "file" : "text", multiple: property.type === "array" && file, required: required.includes(name), autocomplete: "off" });
    form.append(el("label", { htmlFor: id }, `${name} `, el("small", {}, file ? "file" : lines(doc, property, 0))), input);
    return { name, input, file };
  });
  return () => {
    const data = new FormData();
    for (const { name, input, file } of inputs) {
      if (file) for (const one of input.files) data.append(name, one);
      else if (input.value !== "") data.append(name, input.value);
    }
    return data;
  };
}

/** Sends a request, and shows the answer. */
async function run(path, method, fields, input, answer, stop) {
  const headers = new Headers();
  let filled = path;
  for (const { param, input } of fields) if (param.in === "path") filled = filled.replaceAll(`{${param.name}}`, encodeURIComponent(input.value));
  const url = below(filled);
  for (const { param, input, list } of fields) {
    if (input.value === "") continue;
    if (param.in === "header") headers.set(param.name, input.value);
    else if (param.in === "query") for (const v of list ? input.value.split(",") : [input.value]) url.searchParams.append(param.name, v.trim());
  }
  const aborter = new AbortController();
  stop.onclick = () => aborter.abort();
  answer.replaceChildren(el("p", { role: "status" }, "…"));
  answer.dataset.state = "wait";
  try {
    authorize(headers, url);
    const begun = performance.now();
    const response = await fetch(url, { method: method.toUpperCase(), headers, body: input?.(headers), signal: aborter.signal, cache: "no-store" });
    answer.dataset.state = response.ok ? "good" : "bad";
    const type = response.headers.get("Content-Type") ?? "";
    const text = el("pre", {});
    answer.replaceChildren(el("p", { role: "status" }, `${response.status} · ${Math.round(performance.now() - begun)} ms · ${type}`), text);
    await show(response, type, text, answer, stop);
    await load(); // a login, or a logout, changes what the caller may see
  } catch (error) {
    if (error.name === "AbortError") return;
    answer.dataset.state = "bad";
    answer.append(el("p", {}, `The request failed: ${error.message}`));
  }
}

/** Shows the body of an answer: a stream as it comes, text and JSON as text, and other bytes as a file to keep. */
async function show(response, type, text, answer, stop) {
  if (type.startsWith("text/event-stream")) {
    stop.hidden = false;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) text.textContent = (text.textContent + part.value).slice(-maxShown);
    return;
  }
  if (/json|^text\/|xml|javascript/.test(type) || type === "") {
    const raw = await response.text();
    text.textContent = pretty(raw, type).slice(0, maxShown);
    return;
  }
  const blob = await response.blob();
  const name = /filename="?([^";]+)/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? "answer";
  const link = el("a", { href: URL.createObjectURL(blob), download: name }, `Keep ${name} (${blob.size} bytes)`);
  text.replaceChildren(link);
}

/** Indents JSON. Numbers that JavaScript would change leave the text as it came. */
function pretty(raw, type) {
  if (!type.includes("json") || /\d{16}/.test(raw)) return raw;
  try {
    return JSON.stringify(JSON.parse(raw), null, 2);
  } catch {
    return raw;
  }
}

$("filter").addEventListener("input", filter);
$("login-form").addEventListener("submit", (event) => {
  event.preventDefault();
  load();
});
$("openapi").href = below(site.openAPI);
$("asyncapi").href = below(site.asyncAPI);
await load();
