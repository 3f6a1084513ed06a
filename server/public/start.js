// The start page: status that refreshes, and a form to try each action over HTTP.

const $ = (id) => document.getElementById(id);
$("host").textContent = location.hostname;

const refreshEvery = 3000; // milliseconds

async function ask(action, params = {}) {
  const answer = await fetch("/api/" + action + "?" + new URLSearchParams(params));
  const type = answer.headers.get("Content-Type") ?? "";
  return type.includes("json") ? answer.json() : { answer: await answer.text() };
}

function show(list, pairs) {
  list.replaceChildren(...pairs.flatMap(([name, value]) => {
    const dt = document.createElement("dt");
    const dd = document.createElement("dd");
    dt.textContent = name;
    dd.textContent = value;
    return [dt, dd];
  }));
}

async function refresh() {
  try {
    const { stats, serverInformation } = await ask("status");
    const pairs = [
      ["server", `${serverInformation.serverName} ${serverInformation.apiVersion}`],
      ["node", stats.id],
      ["up for", `${Math.round(stats.uptimeSeconds)} s`],
      ["memory", `${(stats.memoryConsumption / 2 ** 20).toFixed(1)} MiB`],
      ["cached objects", stats.cache?.numberOfObjects ?? 0],
    ];
    if (stats.webServer) pairs.push(["HTTP requests", stats.webServer.numberOfLocalWebRequests]);
    if (stats.socketServer) pairs.push(["TCP clients", stats.socketServer.numberOfLocalActiveSocketClients]);
    show($("status"), pairs);
    $("status-error").hidden = true;
  } catch {
    $("status-error").textContent = "The server does not answer. Trying again…";
    $("status-error").hidden = false;
  }
  setTimeout(refresh, refreshEvery);
}

let actions = [];

function chosen() {
  return actions.find((a) => a.name === $("action").value);
}

function showInputs() {
  const { description, inputs } = chosen();
  $("description").textContent = description;
  const field = (name, required) => {
    const label = document.createElement("label");
    const input = document.createElement("input");
    label.htmlFor = input.id = "input-" + name;
    label.textContent = name + " ";
    const note = document.createElement("small");
    note.textContent = required ? "required" : "optional";
    label.append(note);
    input.name = name;
    input.required = required;
    input.autocomplete = "off";
    return [label, input];
  };
  $("inputs").replaceChildren(
    ...inputs.required.flatMap((name) => field(name, true)),
    ...inputs.optional.flatMap((name) => field(name, false)),
  );
}

async function run(event) {
  event.preventDefault();
  const params = {};
  for (const [name, value] of new FormData($("call"))) if (value !== "") params[name] = value;
  const pre = $("answer");
  try {
    pre.textContent = JSON.stringify(await ask(chosen().name, params), null, 2);
  } catch (error) {
    pre.textContent = "It could not be asked: " + error.message;
  }
  pre.hidden = false;
}

async function start() {
  refresh();
  ({ actions } = await ask("actionsView"));
  $("action").replaceChildren(...actions.map((a) => new Option(a.name)));
  $("action").value = actions.some((a) => a.name === "randomNumber") ? "randomNumber" : actions[0].name;
  showInputs();
  $("action").addEventListener("change", showInputs);
  $("call").addEventListener("submit", run);
}

start();
