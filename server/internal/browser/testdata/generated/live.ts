import { createApi, events, type Http, Socket } from "../api/client.js";
import { assert, failure, files, tickets } from "./http.js";

/** A WebSocket that a test can cut. */
let last: WebSocket | undefined;
class Fragile extends WebSocket {
  constructor(url: string, protocols?: string[]) {
    super(url, protocols);
    last = this; // eslint-disable-line
  }
}

function next<T>(listen: (listener: (value: T) => void) => () => void): Promise<T> {
  return new Promise((resolve) => {
    const stop = listen((value) => {
      stop();
      resolve(value);
    });
  });
}

/** Runs the calls of http.ts over a WebSocket, and what only a connection has. A key of the user logs in. */
export async function overSocket(url: string, key: string, http: Http): Promise<string[]> {
  const asked: boolean[] = [];
  const socket = new Socket({
    url, http, WebSocket: Fragile, reconnect: { min: 1, max: 50 }, auth: async (refused) => (asked.push(refused), refused ? key : "desk_forged"),
  });
  const api = createApi(socket);
  const lines = [await tickets(socket)];
  const { id } = await api.ticketOpen({ subject: "Live", text: "?" });
  const room = events.answer.room({ id });
  await socket.roomAdd(room);
  const answered = next<string>((listen) => socket.onEvent(events.answer, (answer, from) => listen(`${answer.text} in ${from.room === room}`)));
  await api.ticketAnswer({ id, text: "an answer" });
  const attached = next<number>((listen) => socket.onEvent(events.file, (file) => listen(file.size)));
  lines.push(`${await answered}; ${await files(socket, id)}; ${await attached}; ${(await socket.roomView(room)).membersCount}`);

  // The connection is lost while calls run: the one with a key runs once, the other fails, and the rooms are there again.
  lines.push((await failure(socket.roomAdd("ticket:404"))).code);
  const open = next<{ readonly refusedRooms: readonly string[] }>((listen) => socket.on("open", listen));
  const once = api.ticketOpen({ subject: "Cut off", text: "?" });
  const lost = failure(api.logout());
  last?.close(); // a socket that closes reads no answer
  const { refusedRooms } = await open;
  const opened = await once;
  const found = await api.ticketList({ search: "Cut off" });
  assert(found.tickets.length === 1 && found.tickets[0]?.id === opened.id, "the ticket was not opened once");
  const again = next<string>((listen) => socket.onEvent(events.answer, (answer) => listen(answer.text)));
  await createApi(http).ticketAnswer({ id, text: "after the cut" });
  lines.push(`${refusedRooms.length} ${await again} ${[...socket.rooms].join() === room} ${(await lost).code} ${asked.slice(0, 3)}`);
  const alone = new Socket({ url, auth: key, WebSocket: Fragile });
  const small = await createApi(http).fileAdd({ id, file: { data: new Blob(["short"]), name: "a;b.txt" } });
  const download = await createApi(alone).fileShow({ id: small.id });
  const upload = await failure(createApi(alone).fileAdd({ id, file: new Blob(["x"]) }));
  lines.push(`${download.name} ${download.type} ${download.size} ${await download.text()} ${upload.code}`);
  alone.close();
  socket.close();
  const closed = await failure(api.me());
  lines.push(`${closed.code} ${(await failure(new Socket({ url, auth: "desk_forged" }).roomChange("x"))).code}`);
  return lines;
}
