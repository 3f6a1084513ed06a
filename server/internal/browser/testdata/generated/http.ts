import { type Api, type CallOptions, type Transport, ApiError, createApi, Http, isApiError, ticketOpen } from "../api/client.js";

/** A fetch with a place for what a test does to it. */
export type Fetch = typeof fetch;

export function assert(ok: boolean, what: string): asserts ok {
  if (!ok) throw new Error(what);
}

export async function failure(call: Promise<unknown>): Promise<ApiError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error("the call has not failed");
}

async function errors(api: Api): Promise<string> {
  const invalid = await failure(api.ticketOpen({ subject: "", text: "x".repeat(10_001) }));
  const missing = await failure(api.ticketShow({ id: 404 }));
  assert(isApiError(missing, "conflict", "notFound") && !isApiError(missing, "conflict") && (missing.status ?? 404) === 404, "the guard is wrong");
  // @ts-expect-error: there is no such code
  isApiError(missing, "notfound");
  return `${invalid.code} ${invalid.details.map((d) => `${d.field}:${d.rule}`)} ${missing.code} ${missing.action}: ${missing.message}`;
}

/** A call whose answer is lost is sent again with its key, and has run once. Without a key, it is not sent again. */
async function retries(url: string, real: Fetch): Promise<string> {
  let sent = 0;
  const lossy: Fetch = async (input, init) => {
    const answer = await real(input, init);
    if (++sent % 2 === 1) throw new TypeError("the answer is lost");
    return answer;
  };
  const once = await ticketOpen(new Http({ url, fetch: lossy }), { subject: "Lost", text: "once" });
  const keyed = sent;
  sent = 0;
  const lost = await failure(createApi(new Http({ url, fetch: lossy })).keyCreate({ name: "lost" }));
  const { tickets } = await createApi(new Http({ url, fetch: real })).ticketList({ search: "Lost" });
  assert(tickets.length === 1 && tickets[0]?.id === once.id, "the ticket was not opened once");

  let busy = 0;
  const proxy: Fetch = async (input, init) => (busy++ < 2 ? new Response("<html>busy</html>", { status: 503, headers: { "Retry-After": "0" } }) : real(input, init));
  await createApi(new Http({ url, fetch: proxy })).ticketList({});
  const down = await failure(createApi(new Http({ url, fetch: proxy, retries: 0 })).signUp({ email: "x", name: "x", password: "x" }));
  return `${keyed} ${sent} ${lost.code} ${busy} ${down.code} ${down.details.length}`;
}

/** A refused token is renewed once, and the call is sent with the new one. */
async function renewal(url: string, real: Fetch, key: string): Promise<string> {
  const asked: boolean[] = [];
  const auth = async (refused: boolean) => (asked.push(refused), refused ? key : "desk_forged");
  const api = createApi(new Http({ url, auth, credentials: "omit", fetch: real }));
  const [one, two] = await Promise.all([api.ticketList({}), api.ticketList()]);
  const forged = await failure(createApi(new Http({ url, auth: "desk_forged", credentials: "omit", fetch: real })).ticketList({}));
  return `${one.tickets.length === two.tickets.length} ${asked.filter((refused) => refused).length <= 2} ${forged.code} ${forged.status}`;
}

async function ends(url: string): Promise<string> {
  const never: Fetch = (_, init) => new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(init.signal?.reason)));
  const api = createApi(new Http({ url, fetch: never }));
  const late = await failure(api.me({ timeout: 20 }));
  const controller = new AbortController();
  const given = failure(api.me({ signal: controller.signal }));
  controller.abort("enough");
  const gone = await failure(api.me({ signal: AbortSignal.abort() }));
  return `${late.code} ${(await given).code} ${(await given).cause} ${gone.code}`;
}

/** Runs the same calls over any transport. A desk with a user who is logged in answers them. */
export async function tickets(via: Transport): Promise<string> {
  const api = createApi(via);
  const options: CallOptions = { idempotencyKey: `key of ${Math.random()}` };
  const first = await api.ticketOpen({ subject: "It rains in", text: "Help!" }, options);
  const second = await api.ticketOpen({ subject: "It rains in", text: "Help!" }, options);
  assert(first.id === second.id && !Number.isNaN(Date.parse(first.opened)), "the key runs twice");
  const answer = await api.ticketAnswer({ id: first.id, text: "Ünïcode 𝒜" });
  const shown = await api.ticketShow({ id: first.id });
  const closed = await api.ticketClose({ id: first.id });
  const status: "open" | "closed" = "closed";
  const page = await api.ticketList({ status, search: "RAINS", limit: 1 });
  return `${answer.text} ${shown.answers.map((a) => a.text).join("|")} ${closed.status} ${page.tickets.length} ${await errors(api)}`;
}

/** Uploads bytes with progress, and reads them again. */
export async function files(via: Transport, ticket: number): Promise<string> {
  const api = createApi(via);
  const bytes = new Uint8Array(300_000).map((_, i) => (i * 7) % 251);
  const seen: number[] = [];
  let total = 0;
  const file = await api.fileAdd({ id: ticket, file: { data: new Blob([bytes]), name: "ein Bild: ü.png" } }, {
    onProgress: (progress) => (seen.push(progress.sent), (total = progress.total)),
  });
  const download = await api.fileShow({ id: file.id });
  const got = await download.bytes();
  assert(got.length === bytes.length && got.every((byte, i) => byte === bytes[i]), "the bytes differ");
  assert(seen.every((sent, i) => i === 0 || sent >= (seen[i - 1] ?? 0)) && seen.at(-1) === total && total > 300_000, `the progress is ${seen} of ${total}`);
  return `${file.size} ${download.name} ${download.type} ${download.size}`;
}

/** The key of a user of this name, who has no session any more. */
export async function withKey(url: string, name: string, real: Fetch): Promise<{ http: Http; key: string }> {
  const api = createApi(new Http({ url, fetch: real }));
  await api.signUp({ email: `${name}@example.com`, name, password: "a long secret" });
  const { key } = await api.keyCreate({ name: "live", write: true });
  await api.logout();
  return { http: new Http({ url, auth: key, fetch: real }), key };
}

/** All of it, for a user of this name. Each line is a result. */
export async function overHTTP(url: string, name: string, real: Fetch): Promise<string[]> {
  const http = new Http({ url, fetch: real });
  const api = createApi(http);
  const user = await api.signUp({ email: `${name}@example.com`, name, password: "a long secret" });
  const { key } = await api.keyCreate({ name: "program", write: true });
  const keys = await api.keyList();
  const lines = [`${user.name} ${(await api.me()).role} ${keys.keys.length}`, await tickets(http)];
  const { tickets: all } = await api.ticketList();
  lines.push(await files(http, all[0]?.id ?? 0), await retries(url, real), await renewal(url, real, key), await ends(url));
  const none: void = await api.keyRevoke({ id: keys.keys[0]?.id ?? "" });
  lines.push(String(none));
  return lines;
}
