// A page without a framework. The session cookie of the desk says who looks.
import { createApi, events, Http, isApiError, Socket, type Ticket } from "../api/client.js";

const http = new Http(); // for files
const socket = new Socket({ http });
const api = createApi(socket);

function find<E extends Element>(selector: string): E {
  const element = document.querySelector<E>(selector);
  if (!element) throw new Error(`the page has no ${selector}`);
  return element;
}
const state = find<HTMLElement>("#state");
const form = find<HTMLFormElement>("#open");
const bar = find<HTMLProgressElement>("progress");

function show(ticket: Ticket): void {
  const item = document.createElement("li");
  item.textContent = `#${ticket.id} ${ticket.subject} (${ticket.status})`;
  find("#tickets").prepend(item);
}

// Also after a reconnect: what happened meanwhile was missed.
socket.on("open", async () => {
  find("#tickets").replaceChildren();
  const { tickets } = await api.ticketList();
  for (const ticket of tickets.reverse()) {
    await socket.roomAdd(events.answer.room(ticket));
    show(ticket);
  }
  state.textContent = `${(await api.me()).name}, live`;
});
socket.on("close", ({ reason, reconnectIn }) => {
  state.textContent = reconnectIn === null ? `closed: ${reason}` : "reconnecting…";
});
socket.onEvent(events.answer, (answer, { room }) => {
  state.textContent = `${answer.author} answers in ${room}: ${answer.text}`;
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const data = new FormData(form);
  try {
    const ticket = await api.ticketOpen({ subject: String(data.get("subject")), text: String(data.get("text")) });
    const file = data.get("file");
    if (file instanceof Blob && file.size > 0) {
      bar.hidden = false;
      await api.fileAdd({ id: ticket.id, file }, { onProgress: ({ sent, total }) => (bar.value = sent / total) });
    }
    await socket.roomAdd(events.answer.room(ticket));
    show(ticket);
    form.reset();
  } catch (error) {
    if (!isApiError(error)) throw error;
    state.textContent = error.code === "invalidInput" ? error.details.map((detail) => detail.message).join("; ") : error.message;
  }
});
