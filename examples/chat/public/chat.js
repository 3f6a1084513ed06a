import { ActionHero } from "/public/javascript/actionhero.js";

const byId = (id) => document.getElementById(id);
const api = new ActionHero();

for (const event of ["open", "close"]) {
  api.on(event, () => (byId("state").textContent = event === "open" ? "live" : "reconnecting…"));
}

function show(from, text) {
  const item = document.createElement("li");
  const who = document.createElement("b");
  who.textContent = from;
  item.append(who, " ", text);
  byId("messages").append(item);
  item.scrollIntoView({ block: "nearest" });
}

api.on("message", (m) => show(m.from.slice(-4), m.message));

// Each form does one thing after the other; what the server refuses is shown with its words.
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
  await api.roomChange(form.get("room"));
  show("you", `are in ${form.get("room")}`);
});

onSubmit("speak", async (form, element) => {
  await api.say(form.get("text"));
  show("you", form.get("text"));
  element.reset();
});
