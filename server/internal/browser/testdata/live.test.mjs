// actionhero.js against a running server, which the test may stop and start.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

const { ActionHero } = await import(process.env.MODULE);
const site = process.env.SITE;

const patience = 30_000;
let clients = [];

afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});

function newClient(options = {}) {
  const client = new ActionHero({ url: site + "/ws", reconnect: { min: 50, max: 200 }, ...options });
  clients.push(client);
  return client;
}

/** The next event of a name, or the next that a condition holds for. */
function next(client, event, condition = () => true) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event}`)), patience);
    const off = client.on(event, (value) => {
      if (!condition(value)) return;
      off();
      clearTimeout(timer);
      resolve(value);
    });
  });
}

const idOf = async (client) => (await client.detailsView()).details.public.id;
const order = (what) => fetch(process.env.CONTROL + what, { method: "POST" });
const outcome = (promise) => promise.then((value) => ({ value }), (error) => error);

test("welcome, actions and their errors", async () => {
  const client = newClient();
  const welcome = await next(client, "welcome");
  assert.equal(welcome.welcome, "Hello! Welcome to the actionHero api");
  assert.equal(welcome.room, "defaultRoom");
  const answer = await client.action("randomNumber");
  assert.ok(answer.randomNumber >= 0 && answer.randomNumber < 1);
  assert.equal(answer.error, false);
  const cached = await client.action("cacheTest", { key: "k", value: 'ü "quoted"' });
  assert.equal(cached.cacheTestResults.loadResp.value, 'ü "quoted"');
  assert.equal((await outcome(client.action("cacheTest"))).message, "key is a required parameter for this action");
  assert.equal((await outcome(client.action("nope"))).message, "nope is not a known action.");
  assert.equal((await outcome(client.action("slow", {}, { timeout: 50 }))).code, "timeout");
});

test("many requests at once all get their own answers", async () => {
  const client = newClient();
  await client.roomView();
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
  const before = timers();
  await Promise.all(Array.from({ length: 200 }, async (_, i) => {
    const { cacheTestResults } = await client.action("cacheTest", { key: `many-${i}`, value: `${i}` });
    assert.equal(cacheTestResults.loadResp.value, `${i}`);
  }));
  assert.ok(timers() <= before, "what was answered waits no more");
});

test("two clients talk in a room", async () => {
  const [a, b] = [newClient(), newClient()];
  await Promise.all([a.roomChange("two"), b.roomChange("two")]);
  const { roomStatus } = await a.roomView();
  assert.equal(roomStatus.membersCount, 2);
  const heard = next(b, "message", ({ message }) => message === "hello <b>");
  await a.say("hello <b>");
  assert.equal((await heard).from, await idOf(a));
});

test("it survives a restart of the server: what was under way fails, and it is in its room again", async () => {
  const [a, b] = [newClient(), newClient()];
  await Promise.all([a.roomChange("after"), b.roomChange("after")]);
  const underWay = outcome(a.action("slow"));
  await a.detailsView(); // the request before it has arrived
  const closed = next(a, "close");
  const back = Promise.all([next(a, "reconnect"), next(b, "reconnect")]);
  await order("/stop");
  assert.ok((await closed).reconnectIn > 0);
  assert.ok((await underWay) instanceof Error);
  const waiting = a.action("randomNumber");
  await order("/start");
  await back;
  assert.ok((await waiting).randomNumber >= 0);
  assert.equal(a.room, "after");
  const heard = next(b, "message", ({ message }) => message === "still here");
  await a.say("still here");
  await heard;
});

test("it is where the server moved it, also after a restart, and listens to its further rooms", async () => {
  const client = newClient();
  await client.roomAdd("news");
  const seen = await client.roomView({ room: "news" });
  assert.equal(seen.room, "news");
  assert.equal(seen.roomStatus.membersCount, 1);
  const moved = next(client, "rooms", ({ room }) => room === "cellar");
  await client.action("move");
  assert.deepEqual(await moved, { room: "cellar", rooms: ["news"] });
  assert.equal(client.room, "cellar");
  const back = next(client, "open");
  await order("/stop");
  await order("/start");
  await back;
  assert.equal(client.room, "cellar");
  assert.deepEqual([...client.rooms], ["news"]);
  assert.equal((await client.roomView()).room, "cellar");
});
