// A component of React that lists the tickets and reads the answers to one of them as they come.
import { type FormEvent, useEffect, useState } from "react";
import { type Answer, createApi, events, Http, isApiError, Socket, type Ticket } from "../api/client.js";

// One connection for the whole app.
const socket = new Socket({ http: new Http() });
const api = createApi(socket);

/** Loads once, and again after each reconnect. An unmounted component gives the call up. */
function useLive<T>(load: (signal: AbortSignal) => Promise<T>, deps: readonly unknown[]): T | undefined {
  const [value, setValue] = useState<T>();
  useEffect(() => {
    const controller = new AbortController();
    const read = () => load(controller.signal).then(setValue, (error: unknown) => {
      if (!isApiError(error, "aborted")) throw error;
    });
    void read();
    const stop = socket.on("open", () => void read());
    return () => {
      stop();
      controller.abort();
    };
  }, deps);
  return value;
}

function Answers({ ticket }: { ticket: Ticket }) {
  const [news, setNews] = useState<readonly Answer[]>([]);
  const shown = useLive((signal) => api.ticketShow({ id: ticket.id }, { signal }), [ticket.id]);
  useEffect(() => {
    const room = events.answer.room(ticket);
    setNews([]);
    void socket.roomAdd(room);
    const stop = socket.onEvent(events.answer, (answer, from) => {
      if (from.room === room) setNews((list) => [...list, answer]);
    });
    return () => {
      stop();
      void socket.roomLeave(room);
    };
  }, [ticket.id]);
  const known = shown?.answers ?? [];
  const all = [...known, ...news.filter((answer) => !known.some(({ id }) => id === answer.id))];
  return <ul>{all.map((answer) => <li key={answer.id}>{answer.author}: {answer.text}</li>)}</ul>;
}

export function Tickets() {
  const page = useLive((signal) => api.ticketList({ status: "open" }, { signal }), []);
  const [ticket, setTicket] = useState<Ticket>();
  const [problem, setProblem] = useState("");
  const answer = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (!ticket) return;
    const text = String(new FormData(event.currentTarget).get("text"));
    try {
      await api.ticketAnswer({ id: ticket.id, text });
      setProblem("");
    } catch (error) {
      if (!isApiError(error)) throw error;
      setProblem(error.details[0]?.message ?? error.message);
    }
  };
  return (
    <section>
      <ul>{page?.tickets.map((one) => <li key={one.id}><button onClick={() => setTicket(one)}>{one.subject}</button></li>)}</ul>
      {ticket && <Answers ticket={ticket} />}
      {ticket && <form onSubmit={(event) => void answer(event)}><input name="text" /><button>Answer</button></form>}
      <p role="alert">{problem}</p>
    </section>
  );
}
