import { ActionHero } from "./javascript/actionhero.js";

const byId = (id) => document.getElementById(id);
const keep = 200; // messages
const api = new ActionHero();
let name = "";
let asked = null; // the room that the form has asked for

function state(text) {
  byId("state").textContent = text;
}

function show(from, text) {
  const item = document.createElement("li");
  const who = document.createElement("b");
  who.textContent = from;
  item.append(who, " ", text);
  byId("messages").append(item);
  while (byId("messages").children.length > keep) byId("messages").firstChild.remove();
  item.scrollIntoView({ block: "nearest" });
}

// The server knows the name of a connection only. A new connection gives the name again, before it enters its rooms.
api.on("welcome", () => name && api.action("name", { name }));
api.on("open", ({ refusedRooms }) => {
  state(refusedRooms.length > 0 ? `not in ${refusedRooms.join(", ")}: enter a room` : "live");
});
api.on("close", ({ reason, reconnectIn }) => state(reconnectIn === null ? `closed: ${reason}` : "reconnecting…"));
api.on("rooms", ({ room }) => room !== asked && show("the server", `has moved you to ${room}`));
api.on("message", (m) => show(m.from.slice(-4), m.message));

// Each form does one thing after the other; a refusal of the server is shown with its words.
function onSubmit(id, run) {
  byId(id).addEventListener("submit", async (event) => {
    event.preventDefault();
    byId("problem").textContent = "";
    try {
      await run(new FormData(event.target), event.target);
    } catch (error) {
      byId("problem").textContent = error.message;
    }
  });
}

onSubmit("enter", async (form) => {
  await api.action("name", { name: form.get("name") });
  name = form.get("name");
  asked = form.get("room");
  await api.roomChange(asked).finally(() => (asked = null));
  state("live");
  show("you", `are in ${form.get("room")}`);
});

onSubmit("speak", async (form, element) => {
  await api.say(form.get("text"));
  show("you", form.get("text"));
  element.reset();
});
