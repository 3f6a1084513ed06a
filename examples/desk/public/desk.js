import { ActionHero } from "./javascript/actionhero.js";

const byId = (id) => document.getElementById(id);
let api = null; // the connection of the user who is logged in
let me = null;
let shown = null; // the ticket that the page shows
let next = null; // the last ticket of the list, if there are more

const roomOf = (id) => `ticket:${id}`;
const isAgent = () => me.role !== "customer";
const say = (text = "") => (byId("problem").textContent = text);

function item(...parts) {
  const li = document.createElement("li");
  li.append(...parts);
  return li;
}

function button(text, run) {
  const b = document.createElement("button");
  b.type = "button";
  b.textContent = text;
  b.addEventListener("click", () => attempt(run));
  return b;
}

// A refusal of the server is shown with its words.
async function attempt(run) {
  say();
  try {
    await run();
  } catch (error) {
    say(error.message);
  }
}

function onSubmit(id, run) {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(() => run(Object.fromEntries(new FormData(event.target)), event.target));
  });
}

// What sets a cookie or carries a file goes over HTTP, all else over the connection.
async function http(method, path, body) {
  const isForm = body instanceof FormData;
  const response = await fetch(path, {
    method, headers: isForm || !body ? {} : { "Content-Type": "application/json" }, body: isForm || !body ? body : JSON.stringify(body),
  });
  const answer = response.status === 204 ? null : await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.detail), { status: response.status });
  return answer;
}

function enter(user) {
  me = user;
  api?.close();
  api = new ActionHero(); // after the login: the connection has the user of its handshake
  api.on("open", ({ refusedRooms }) => attempt(async () => {
    byId("state").textContent = `${me.name} (${me.role}), live`;
    if (isAgent()) await api.roomAdd("agents");
    await list();
    if (shown && refusedRooms.includes(roomOf(shown.id))) hide("You do not take part in this ticket any more.");
    if (shown) await show(shown.id); // for what was missed
  }));
  api.on("close", ({ reason, reconnectIn }) => {
    if (reconnectIn === null && reason) again(reason);
    else byId("state").textContent = "reconnecting…";
  });
  api.on("rooms", ({ room }) => {
    if (shown && room === null) hide("You do not take part in this ticket any more.");
  });
  for (const event of ["opened", "overdue"]) {
    api.onEvent(event, (ticket) => attempt(list).then(() => say(`Ticket ${ticket.id} is ${event}: ${ticket.subject}`)));
  }
  api.onEvent("answer", (answer) => shown && addAnswer(answer));
  for (const event of ["assigned", "closed", "participants", "file"]) {
    api.onEvent(event, () => shown && attempt(() => show(shown.id)));
  }
  byId("door").hidden = true;
  byId("desk").hidden = byId("logout").hidden = false;
  for (const e of document.querySelectorAll(".agent")) e.hidden = !isAgent();
}

// again comes back with a new role, for which the server has closed the connection. Otherwise the user must log in.
function again(reason) {
  http("GET", "/me").then((user) => (me && user.role !== me.role ? enter(user) : leave(reason)), () => leave(reason));
}

function leave(reason) {
  api?.close();
  api = me = null;
  hide(reason);
  byId("list").replaceChildren();
  byId("state").textContent = "";
  byId("door").hidden = false;
  byId("desk").hidden = byId("logout").hidden = true;
}

function hide(reason) {
  shown = null;
  byId("ticket").hidden = true;
  for (const id of ["subject", "facts", "answers", "files", "participants"]) byId(id).replaceChildren();
  say(reason);
}

async function list(before) {
  const form = byId("filter");
  const params = { status: form.status.value, search: form.search.value, mine: form.mine.checked, overdue: form.overdue.checked, before };
  const page = await api.action("ticketList", params);
  const items = page.tickets.map((t) => item(button(`#${t.id} ${t.subject} · ${t.status}${t.overdue ? " · overdue" : ""}`, () => show(t.id))));
  if (before) byId("list").append(...items);
  else byId("list").replaceChildren(...items);
  next = page.next;
  byId("more").hidden = !next;
}

// The room comes first, so that no answer is missed between the two requests.
async function show(id) {
  if (api.room !== roomOf(id)) {
    shown = null;
    await api.roomChange(roomOf(id));
  }
  const t = await api.action("ticketShow", { id });
  if (api.room !== roomOf(id)) return; // another one was chosen meanwhile, or the user was removed
  shown = t;
  byId("ticket").hidden = false;
  byId("subject").textContent = `#${t.id} ${t.subject}`;
  byId("facts").textContent = `${t.status}${t.overdue ? ", overdue" : ""}, opened by ${t.opener}, ${t.assignee ? `assigned to ${t.assignee}` : "not assigned"}`;
  byId("answers").replaceChildren();
  t.answers.forEach(addAnswer);
  byId("files").replaceChildren(...t.files.map((f) => {
    const link = document.createElement("a");
    link.href = `/files/${f.id}`;
    link.textContent = `${f.name} (${f.size} bytes)`;
    return item(link);
  }));
  byId("participants").replaceChildren(...t.participants.map((u) => item(`${u.name} <${u.email}> `,
    isAgent() ? button(`Remove ${u.name}`, () => api.action("participantRemove", { id, user: u.id })) : "")));
}

function addAnswer(a) {
  if (byId(`answer-${a.id}`)) return;
  const who = document.createElement("b");
  who.textContent = `${a.author}, ${new Date(a.at).toLocaleString()}\n`;
  const li = item(who, a.text);
  li.id = `answer-${a.id}`;
  byId("answers").append(li);
}

onSubmit("login", async (fields) => enter(await http("POST", "/login", fields)));
onSubmit("signup", async (fields) => enter(await http("POST", "/signup", fields)));
onSubmit("filter", () => list());
onSubmit("open", async (fields, form) => {
  // The same key for the same texts: who presses the button again after a failure opens no second ticket.
  form.dataset.key ||= crypto.randomUUID();
  const t = await api.action("ticketOpen", fields, { idempotencyKey: form.dataset.key });
  form.reset();
  await list();
  await show(t.id);
});
byId("open").addEventListener("input", (event) => delete event.currentTarget.dataset.key);
byId("open").addEventListener("reset", (event) => delete event.currentTarget.dataset.key);
onSubmit("answer", async ({ text }, form) => {
  addAnswer(await api.action("ticketAnswer", { id: shown.id, text }));
  form.reset();
});
onSubmit("add", async ({ email }, form) => {
  await api.action("participantAdd", { id: shown.id, email });
  form.reset();
});
onSubmit("upload", async (_, form) => {
  await http("POST", `/tickets/${shown.id}/files`, new FormData(form));
  form.reset();
});
byId("close").addEventListener("click", () => attempt(() => api.action("ticketClose", { id: shown.id })));
byId("assign").addEventListener("click", () => attempt(() => api.action("ticketAssign", { id: shown.id })));
byId("more").addEventListener("click", () => attempt(() => list(next)));
byId("logout").addEventListener("click", () => attempt(async () => {
  await http("POST", "/logout");
  leave("");
}));

http("GET", "/me").then(enter, (error) => leave(error.status === 401 ? "" : error.message));
