// actionhero.js against a WebSocket and a clock that the test moves.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";

import { FakeSocket } from "./fake.mjs";

const { ActionHero, ActionHeroError, backoff } = await import(process.env.MODULE);

const url = "ws://localhost:1/ws";
let clients = [];
let now = 0; // of the clock that the client reads

/** Moves the clock, and runs the timers that are due. */
function tick(ms) {
  now += ms;
  mock.timers.tick(ms);
  mock.timers.tick(0); // timers that timers have set
}

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(performance, "now", () => now);
  FakeSocket.all = [];
});
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
  mock.timers.reset();
  mock.restoreAll();
});

/** Lets everything run that waits for nothing but its turn. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

function newClient(options = {}) {
  const client = new ActionHero({ url, WebSocket: FakeSocket, ...options });
  clients.push(client);
  client.seen = [];
  for (const event of ["welcome", "open", "message", "notice", "rooms", "close", "reconnect", "error"]) {
    client.on(event, (value) => client.seen.push([event, value]));
  }
  client.events = () => client.seen.map(([event]) => event);
  return client;
}

async function openClient(options) {
  const client = newClient(options);
  FakeSocket.last.welcome();
  await turn();
  assert.equal(client.state, "open");
  return client;
}

/** What a promise rejected with, or its value. */
const outcome = (promise) => promise.then((value) => ({ value }), (error) => error);

describe("requests", () => {
  test("an action resolves with the whole answer, whatever the order of the answers", async () => {
    const client = await openClient();
    const first = client.action("a", { n: 1, action: "not this" }), second = client.action("b");
    assert.deepEqual(FakeSocket.last.sent.map(({ event, params }) => ({ event, params })),
      [{ event: "action", params: { n: 1, action: "a" } }, { event: "action", params: { action: "b" } }]);
    FakeSocket.last.answer(1, { out: 2 });
    FakeSocket.last.answer(0, { out: 1 });
    assert.equal((await first).out, 1);
    assert.equal((await second).out, 2);
  });

  test("a refusal rejects with the text of the server", async () => {
    const client = await openClient();
    const failed = outcome(client.action("a"));
    FakeSocket.last.answer(0, { error: "key is a required parameter for this action" });
    const error = await failed;
    assert.ok(error instanceof ActionHeroError && error instanceof Error);
    assert.equal(error.message, "key is a required parameter for this action");
    assert.equal(error.code, "server");
    assert.equal(error.response.error, error.message);
  });

  test("members of a record hide neither that it is an answer nor whose", async () => {
    const client = await openClient();
    const answered = client.action("a");
    FakeSocket.last.answer(0, { id: 77, welcome: true, message: "hi" });
    assert.equal((await answered).id, 77);
    assert.deepEqual(client.events(), ["welcome", "open"]);
  });

  test("no answer in time rejects, and a late one harms nobody", async () => {
    const client = await openClient({ timeout: 500 });
    const slow = outcome(client.action("a")), slower = outcome(client.action("b", {}, { timeout: 501 }));
    tick(500);
    assert.equal((await slow).message, "no answer to the action a within 500 ms");
    tick(1);
    assert.equal((await slower).code, "timeout");
    FakeSocket.last.answer(0);
    assert.deepEqual(client.events(), ["welcome", "open"]);
  });

  test("requests before the welcome wait for it, in order, for their timeout at most", async () => {
    const client = newClient({ timeout: 500 });
    const late = outcome(client.action("late", {}, { timeout: 100 }));
    const first = client.action("first"), second = client.say("second");
    assert.deepEqual(FakeSocket.last.sent, []);
    tick(100);
    assert.equal((await late).message, "no connection for the action late within 100 ms");
    FakeSocket.last.welcome();
    await turn();
    assert.deepEqual(FakeSocket.last.verbs, ["action first", "say second"]);
    FakeSocket.last.answer(0);
    FakeSocket.last.answer(1);
    await Promise.all([first, second]);
  });

  test("what does not encode rejects and is not sent", async () => {
    const client = await openClient();
    const circle = {};
    circle.circle = circle;
    for (const params of [{ circle }, { n: 1n }]) {
      const error = await outcome(client.action("a", params));
      assert.ok(error instanceof ActionHeroError, String(error));
      assert.equal(error.code, "invalid");
      assert.match(error.message, /the params of the action a do not encode as JSON|action a/);
    }
    assert.deepEqual(FakeSocket.last.sent, []);
  });

  test("a request over the limit of the server is refused and not sent", async () => {
    const client = await openClient({ maxMessageBytes: 100 });
    const error = await outcome(client.say("é".repeat(60)));
    assert.equal(error.code, "invalid");
    assert.match(error.message, /say has \d+ bytes, and the limit is 100/);
    assert.deepEqual(FakeSocket.last.sent, []);
    client.say("é".repeat(10)).catch(() => {});
    assert.equal(FakeSocket.last.sent.length, 1);
  });

  test("a refusal carries its code, its details and when to try again", async () => {
    const client = await openClient();
    const failed = outcome(client.action("a"));
    const errorDetails = [{ field: "key", rule: "required", message: "key must be given" }];
    FakeSocket.last.answer(0, { error: "key is missing", errorCode: "invalidInput", errorDetails, retryAfter: 3 });
    const error = await failed;
    assert.deepEqual([error.errorCode, error.errorDetails, error.retryAfter], ["invalidInput", errorDetails, 3]);
    const plain = outcome(client.action("b"));
    FakeSocket.last.end();
    assert.deepEqual([(await plain).errorCode, (await plain).errorDetails], [undefined, []]);
  });

  test("an answer that has come counts, also if the machine slept until after the timeout", async () => {
    const client = await openClient({ timeout: 500 });
    const answered = client.action("a");
    setTimeout(() => FakeSocket.last.answer(0, { out: 1 }), 500); // after the timer of the timeout
    tick(500);
    assert.equal((await answered).out, 1);
  });

  test("numbers that JavaScript cannot hold can be read by a parser of the app", async () => {
    const client = await openClient({ parse: (text) => JSON.parse(text.replace(/:(\d{16,})/g, ':"$1"')) });
    const answered = client.action("a");
    const { messageId } = FakeSocket.last.sent[0];
    FakeSocket.last.receive(`{"context":"response","n":9007199254740993,"messageId":${messageId}}`);
    assert.equal((await answered).n, "9007199254740993");
  });

  test("there is a limit to what may wait", async () => {
    const client = newClient();
    const waiting = Array.from({ length: 1_000 }, () => outcome(client.say("x")));
    assert.equal((await outcome(client.say("x"))).code, "busy");
    client.close();
    for (const error of await Promise.all(waiting)) assert.equal(error.code, "closed");
  });
});

describe("connections", () => {
  test("at a break, what was sent is rejected and never sent again; what was not is sent once", async () => {
    const client = await openClient();
    const sent = outcome(client.action("sent"));
    FakeSocket.last.end(1001, "going away");
    assert.equal((await sent).code, "disconnected");
    assert.equal((await sent).message, "the connection ended (going away) before the action sent was answered");
    assert.deepEqual([(await sent).closeCode, (await sent).closeReason], [1001, "going away"]);
    const waiting = client.action("waiting");
    tick(30_000);
    FakeSocket.last.welcome();
    await turn();
    assert.deepEqual(FakeSocket.last.verbs, ["action waiting"]);
    FakeSocket.last.answer(0);
    await waiting;
    assert.deepEqual(client.events(), ["welcome", "open", "close", "welcome", "open", "reconnect"]);
    const close = client.seen.find(([event]) => event === "close")[1];
    assert.equal(close.code, 1001);
    assert.equal(close.reason, "going away");
  });

  test("what waits for the first connection survives attempts that fail", async () => {
    const client = newClient();
    const waiting = client.action("waiting");
    FakeSocket.last.end();
    tick(1_000);
    FakeSocket.last.welcome();
    await turn();
    FakeSocket.last.answer(0);
    await waiting;
  });

  test("the back-off doubles up to its limit, and half of it is random", () => {
    const bounds = { min: 500, max: 30_000 };
    const delays = (random) => [0, 1, 2, 5, 6, 1_000].map((attempt) => backoff(attempt, bounds, () => random));
    assert.deepEqual(delays(0), [250, 500, 1_000, 8_000, 15_000, 15_000]);
    assert.deepEqual(delays(1), [500, 1_000, 2_000, 16_000, 30_000, 30_000]);
    assert.notEqual(backoff(0, bounds), backoff(0, bounds));
  });

  test("it tries again after the delay that it tells, later each time", async () => {
    mock.method(Math, "random", () => 0);
    const client = newClient({ reconnect: { min: 100, max: 1_000 } });
    for (const delay of [50, 100, 200, 400, 500, 500]) {
      const before = FakeSocket.all.length;
      FakeSocket.last.end();
      assert.equal(client.seen.at(-1)[1].reconnectIn, delay);
      tick(delay - 1);
      assert.equal(FakeSocket.all.length, before);
      tick(1);
      assert.equal(FakeSocket.all.length, before + 1);
    }
  });

  test("only a connection that lasted begins the back-off anew", async () => {
    mock.method(Math, "random", () => 0);
    const client = await openClient({ reconnect: { min: 100, max: 10_000 } });
    const delays = [];
    for (const lasts of [0, 4_999, 5_000, 0]) {
      tick(lasts);
      FakeSocket.last.end();
      delays.push(client.seen.findLast(([event]) => event === "close")[1].reconnectIn);
      tick(delays.at(-1));
      FakeSocket.last.welcome();
      await turn();
    }
    assert.deepEqual(delays, [50, 100, 50, 100]);
    assert.equal(client.seen.findLast(([event]) => event === "reconnect")[1].attempts, 2);
  });

  test("after the last attempt it is closed, and what waited is rejected", async () => {
    const client = newClient({ reconnect: { attempts: 1 } });
    const waiting = outcome(client.say("x"));
    FakeSocket.last.end();
    tick(1_000);
    FakeSocket.last.end();
    assert.equal(client.state, "closed");
    assert.equal(client.seen.at(-1)[1].reconnectIn, null);
    assert.equal((await waiting).code, "disconnected");
    tick(100_000);
    assert.equal(FakeSocket.all.length, 2);
  });

  test("reconnect: false means never", () => {
    const client = newClient({ reconnect: false });
    FakeSocket.last.end();
    assert.equal(client.state, "closed");
    assert.equal(client.seen.at(-1)[1].reconnectIn, null);
  });

  test("an error without a close counts as one, with a close as one only", () => {
    const client = newClient();
    FakeSocket.last.fail();
    tick(0);
    assert.deepEqual(client.events(), ["close"]);
    tick(1_000);
    FakeSocket.last.fail();
    FakeSocket.last.end(1006);
    tick(0);
    assert.deepEqual(client.events(), ["close", "close"]);
  });

  test("a server that says no welcome is given up after ten seconds", () => {
    const client = newClient();
    const socket = FakeSocket.last;
    tick(10_000);
    assert.equal(client.state, "waiting");
    assert.equal(client.seen[0][1].reason, "the server sent no welcome");
    assert.notEqual(socket.closedWith, null);
  });

  test("a silent server is asked whether it is there, and given up if it is not", async () => {
    const client = await openClient({ heartbeat: 1_000 });
    const socket = FakeSocket.last;
    tick(999);
    socket.receive({ message: "hi", from: "x", context: "user" });
    tick(1);
    assert.deepEqual(socket.sent, []);
    await turn();
    tick(1_000);
    assert.deepEqual(socket.verbs, ["detailsView"]);
    socket.answer(0, { error: "a refusal is an answer, too" });
    await turn();
    tick(1_000);
    assert.deepEqual(socket.verbs, ["detailsView", "detailsView"]);
    tick(3_000);
    await turn();
    assert.equal(client.state, "waiting");
    assert.equal(client.seen.at(-1)[1].reason, "the server is silent");
  });

  test("after a request without a sign of the server, a dead connection is noticed within five seconds", async () => {
    const client = await openClient();
    client.action("slow").catch(() => {});
    tick(1_999);
    assert.deepEqual(FakeSocket.last.verbs, ["action slow"]);
    tick(1);
    assert.deepEqual(FakeSocket.last.verbs, ["action slow", "detailsView"]);
    tick(2_999);
    await turn();
    assert.equal(client.state, "open");
    tick(1);
    await turn();
    assert.equal(client.state, "waiting");
  });

  test("a slow action of a server that is there is left alone", async () => {
    const client = await openClient();
    const slow = client.action("slow");
    tick(2_000);
    FakeSocket.last.answer(1); // whether it is there
    await turn();
    tick(20_000);
    await turn();
    FakeSocket.last.answer(0);
    await slow;
    assert.equal(client.state, "open");
  });

  for (const [name, fire] of [
    ["on line again", (page) => page.dispatchEvent(new Event("online"))],
    ["seen again", (page) => page.document.dispatchEvent(new Event("visibilitychange"))],
  ]) {
    test(`a page that is ${name} asks at once whether the server is there`, async () => {
      const page = new EventTarget();
      page.document = Object.assign(new EventTarget(), { visibilityState: "visible" });
      for (const method of ["addEventListener", "removeEventListener"]) globalThis[method] = page[method].bind(page);
      globalThis.document = page.document;
      try {
        const client = await openClient({ heartbeat: 0 });
        fire(page);
        fire(page);
        assert.deepEqual(FakeSocket.last.verbs, ["detailsView"]);
        tick(3_000);
        await turn();
        assert.equal(client.state, "waiting");
        fire(page);
        assert.equal(FakeSocket.all.length, 2);
        client.close();
      } finally {
        for (const name of ["addEventListener", "removeEventListener", "document"]) delete globalThis[name];
      }
    });
  }

  test("a close that means stay away is the last one", async () => {
    const client = await openClient();
    const pending = outcome(client.action("a"));
    FakeSocket.last.end(4403, "you are banned");
    tick(1_000_000);
    assert.equal(client.state, "closed");
    assert.equal(FakeSocket.all.length, 1);
    const { closeReason, errorCode } = await pending;
    assert.deepEqual([closeReason, errorCode], ["you are banned", "permissionDenied"]);
    const later = await outcome(client.action("b"));
    assert.deepEqual([later.code, later.closeCode, later.errorCode], ["closed", 4403, "permissionDenied"]);
    assert.deepEqual(client.seen.at(-1), ["close", { code: 4403, reason: "you are banned", reconnectIn: null }]);
  });

  test("connect after the last attempt counts anew", async () => {
    mock.method(Math, "random", () => 0);
    const client = newClient({ reconnect: { min: 100, attempts: 2 } });
    for (let round = 0; round < 2; round++) {
      for (let attempt = 0; attempt < 3; attempt++) {
        FakeSocket.last.end();
        tick(1_000);
      }
      assert.equal(client.state, "closed");
      assert.equal(FakeSocket.all.length, 3 * (round + 1));
      client.connect();
    }
  });

  test("a clock that is set back changes nothing", async () => {
    mock.method(Math, "random", () => 0);
    const client = await openClient({ reconnect: { min: 100 } });
    mock.method(Date, "now", () => -1e9);
    tick(5_000);
    FakeSocket.last.end();
    assert.equal(client.seen.at(-1)[1].reconnectIn, 50);
  });

  test("without a heartbeat nobody is asked", async () => {
    const client = await openClient({ heartbeat: 0 });
    tick(1_000_000);
    await turn();
    assert.deepEqual(FakeSocket.last.sent, []);
    assert.equal(client.state, "open");
  });

  test("close ends everything; connect begins again", async () => {
    mock.method(Math, "random", () => 0);
    const client = newClient({ reconnect: { min: 100 } });
    FakeSocket.last.end();
    tick(50);
    FakeSocket.last.welcome();
    await turn();
    client.seen = [];
    const socket = FakeSocket.last;
    const pending = outcome(client.action("a"));
    client.close();
    client.close();
    assert.equal(socket.closedWith, 1000);
    assert.equal((await pending).code, "closed");
    assert.equal((await outcome(client.say("x"))).message, "the client is closed");
    socket.welcome();
    socket.end();
    tick(1_000_000);
    assert.equal(FakeSocket.all.length, 2);
    assert.deepEqual(client.events(), ["close"]);
    client.connect();
    client.connect();
    assert.equal(FakeSocket.all.length, 3);
    FakeSocket.last.welcome();
    await turn();
    assert.equal(client.state, "open");
    FakeSocket.last.end();
    assert.equal(client.seen.at(-1)[1].reconnectIn, 50, "its history goes with close");
  });

  test("close in a listener of close stops the attempts", () => {
    const client = newClient();
    client.on("close", () => client.close());
    FakeSocket.last.end();
    tick(1_000_000);
    assert.equal(FakeSocket.all.length, 1);
    assert.equal(client.state, "closed");
  });

  test("when the machine is on line again it does not wait for its time", () => {
    const page = new EventTarget();
    for (const method of ["addEventListener", "removeEventListener"]) globalThis[method] = page[method].bind(page);
    try {
      const client = newClient();
      FakeSocket.last.end();
      page.dispatchEvent(new Event("online"));
      assert.equal(FakeSocket.all.length, 2);
      page.dispatchEvent(new Event("online"));
      assert.equal(FakeSocket.all.length, 2);
      client.close();
      page.dispatchEvent(new Event("online"));
      assert.equal(FakeSocket.all.length, 2);
    } finally {
      delete globalThis.addEventListener;
      delete globalThis.removeEventListener;
    }
  });
});

describe("rooms", () => {
  async function inRooms() {
    const client = await openClient();
    const done = [client.roomChange(" kitchen "), client.roomAdd("hall"), client.roomAdd("attic"), client.roomAdd("den")];
    ["kitchen", "hall", "attic", "den"].forEach((room, i) => FakeSocket.last.answer(i, { room }));
    await Promise.all(done);
    const left = client.roomLeave("attic");
    FakeSocket.last.answer(4, { room: "attic" });
    await left;
    assert.equal(client.room, "kitchen");
    assert.deepEqual([...client.rooms], ["hall", "den"]);
    return client;
  }

  test("a refused change changes nothing", async () => {
    const client = await inRooms();
    const refused = outcome(client.roomChange("vault"));
    FakeSocket.last.answer(5, { error: "members only" });
    assert.equal((await refused).message, "members only");
    assert.equal(client.room, "kitchen");
  });

  test("after a reconnect it is in its rooms again before anything else happens", async () => {
    const client = await inRooms();
    FakeSocket.last.end();
    const said = client.say("hello");
    await reconnectTo();
    assert.deepEqual(FakeSocket.last.verbs, ["roomChange kitchen"]);
    assert.notEqual(client.state, "open");
    FakeSocket.last.answer(0, { room: "kitchen" });
    await turn();
    assert.deepEqual(FakeSocket.last.verbs.slice(1), ["roomAdd hall", "roomAdd den"]);
    FakeSocket.last.answer(1, { room: "hall" });
    FakeSocket.last.answer(2, { room: "den" });
    await turn();
    assert.equal(client.state, "open");
    assert.equal(client.room, "kitchen");
    assert.deepEqual(FakeSocket.last.verbs.slice(3), ["say hello"]);
    FakeSocket.last.answer(3);
    await said;
  });

  async function reconnectTo() {
    tick(4_000); // longer than the fourth delay, shorter than any timeout
    FakeSocket.last.welcome();
    await turn();
  }

  test("a room that refuses is given up, and an event says so", async () => {
    const client = await inRooms();
    FakeSocket.last.end();
    await reconnectTo();
    FakeSocket.last.answer(0, { error: "members only" });
    await turn();
    FakeSocket.last.answer(1, { error: "gone" });
    FakeSocket.last.answer(2, { room: "den" });
    await turn();
    assert.equal(client.state, "open");
    assert.equal(client.room, null);
    assert.deepEqual([...client.rooms], ["den"]);
    assert.deepEqual(client.seen.findLast(([event]) => event === "open")[1], { refusedRooms: ["kitchen", "hall"] });
    assert.deepEqual(client.seen.filter(([event]) => event === "error").map(([, error]) => error.message), ["members only", "gone"]);
  });

  test("after the current room has refused, nothing is said until the app chooses a room", async () => {
    const client = await inRooms();
    FakeSocket.last.end();
    const meant = outcome(client.say("for the kitchen")); // while there is no connection
    await reconnectTo();
    FakeSocket.last.answer(0, { error: "members only" });
    await turn();
    FakeSocket.last.answer(1, { room: "hall" });
    FakeSocket.last.answer(2, { room: "den" });
    await turn();
    const sent = FakeSocket.last.sent.length;
    for (const error of [await meant, await outcome(client.say("hello"))]) {
      assert.equal(error.code, "room");
      assert.match(error.message, /choose one with roomChange/);
    }
    assert.equal(FakeSocket.last.sent.length, sent);
    FakeSocket.last.end(); // the server's choice at the next connection is not the app's either
    await reconnectTo();
    FakeSocket.last.answer(0, { room: "hall" });
    FakeSocket.last.answer(1, { room: "den" });
    await turn();
    assert.equal((await outcome(client.say("hello"))).code, "room");
    const chosen = client.roomChange("cellar");
    FakeSocket.last.answer(2, { room: "cellar" });
    await chosen;
    client.say("hello").catch(() => {});
    assert.deepEqual(FakeSocket.last.sent.at(-1), { event: "say", messageId: FakeSocket.last.sent.at(-1).messageId, message: "hello", room: "cellar" });
  });

  test("say names its room: the current one, or the one that it was given", async () => {
    const client = await inRooms();
    client.say("a").catch(() => {});
    client.say("b", { room: "hall" }).catch(() => {});
    assert.deepEqual(FakeSocket.last.sent.slice(-2).map(({ room }) => room), ["kitchen", "hall"]);
  });

  test("the client follows the server that moves it, also after a reconnect", async () => {
    const client = await inRooms();
    FakeSocket.last.receive({ context: "rooms", room: "cellar", rooms: ["cellar", "den"] });
    assert.equal(client.room, "cellar");
    assert.deepEqual([...client.rooms], ["den"]);
    assert.deepEqual(client.seen.at(-1), ["rooms", { room: "cellar", rooms: ["den"] }]);
    FakeSocket.last.end();
    await reconnectTo();
    assert.deepEqual(FakeSocket.last.verbs, ["roomChange cellar"]);
  });

  test("rooms on the way back are not the rooms that the app has chosen", async () => {
    const client = await inRooms();
    const { rooms } = client;
    FakeSocket.last.end();
    tick(30_000);
    FakeSocket.last.welcome();
    await turn();
    assert.deepEqual(FakeSocket.last.verbs, ["roomChange kitchen"]);
    FakeSocket.last.receive({ context: "rooms", room: "kitchen", rooms: [] });
    FakeSocket.last.answer(0, { room: "kitchen" });
    await turn();
    assert.equal(client.room, "kitchen");
    assert.deepEqual(FakeSocket.last.verbs, ["roomChange kitchen", ...[...rooms].map((room) => `roomAdd ${room}`)]);
  });

  test("a further room does not bring back the room that the app has lost", async () => {
    const client = await inRooms();
    FakeSocket.last.end();
    tick(30_000);
    FakeSocket.last.welcome("lobby");
    await turn();
    FakeSocket.last.answer(0, { error: "members only" });
    await turn();
    for (let i = 1; i < FakeSocket.last.sent.length; i++) FakeSocket.last.answer(i);
    await turn();
    assert.equal(client.state, "open");
    FakeSocket.last.receive({ context: "rooms", room: "lobby", rooms: ["den"] });
    assert.equal(client.room, null);
    await assert.rejects(client.say("for members"), { code: "room" });
    FakeSocket.last.receive({ context: "rooms", room: "cellar", rooms: [] });
    assert.equal(client.room, "cellar");
  });

  test("a login that is moved by the server stays there", async () => {
    const client = newClient();
    client.on("welcome", () => client.action("login"));
    FakeSocket.last.welcome(null);
    await turn();
    FakeSocket.last.receive({ context: "rooms", room: "team", rooms: ["news"] });
    FakeSocket.last.answer(0);
    await turn();
    assert.equal(client.room, "team");
    assert.deepEqual([...client.rooms], ["news"]);
  });

  test("what the server tells of its rooms on the way back makes the client forget none", async () => {
    const client = await inRooms();
    FakeSocket.last.end();
    await reconnectTo();
    FakeSocket.last.receive({ context: "rooms", room: "defaultRoom", rooms: ["defaultRoom"] });
    FakeSocket.last.receive({ context: "rooms", room: "kitchen", rooms: ["kitchen"] });
    FakeSocket.last.answer(0, { room: "kitchen" });
    await turn();
    assert.deepEqual(FakeSocket.last.verbs, ["roomChange kitchen", "roomAdd hall", "roomAdd den"]);
    FakeSocket.last.receive({ context: "rooms", room: "kitchen", rooms: ["hall", "kitchen"] });
    FakeSocket.last.answer(1, { room: "hall" });
    FakeSocket.last.receive({ context: "rooms", room: "kitchen", rooms: ["den", "hall", "kitchen"] });
    FakeSocket.last.answer(2, { room: "den" });
    await turn();
    assert.equal(client.state, "open");
    assert.equal(client.room, "kitchen");
    assert.deepEqual([...client.rooms], ["hall", "den"]);
  });

  test("a room that was lost stays lost while the further rooms change", async () => {
    const client = await inRooms();
    FakeSocket.last.end();
    await reconnectTo();
    FakeSocket.last.receive({ context: "rooms", room: "defaultRoom", rooms: ["defaultRoom"] });
    FakeSocket.last.answer(0, { error: "members only" });
    await turn();
    FakeSocket.last.receive({ context: "rooms", room: "defaultRoom", rooms: ["defaultRoom", "hall"] });
    FakeSocket.last.answer(1, { room: "hall" });
    FakeSocket.last.answer(2, { error: "gone" });
    await turn();
    FakeSocket.last.receive({ context: "rooms", room: "defaultRoom", rooms: ["attic", "defaultRoom", "hall"] }); // after a roomAdd
    assert.equal((await outcome(client.say("for the kitchen"))).code, "room");
    FakeSocket.last.receive({ context: "rooms", room: "cellar", rooms: ["attic", "cellar", "hall"] }); // the server chooses
    client.say("hello").catch(() => {});
    assert.equal(FakeSocket.last.sent.at(-1).room, "cellar");
    FakeSocket.last.receive({ context: "rooms", room: "", rooms: ["hall"] });
    assert.equal(client.room, null);
    assert.equal((await outcome(client.say("hello"))).code, "room");
  });

  test("a login in a listener of welcome comes before the rooms", async () => {
    const client = await inRooms();
    client.on("welcome", async () => {
      await client.action("login");
      await client.action("more");
    });
    FakeSocket.last.end();
    await reconnectTo();
    assert.deepEqual(FakeSocket.last.verbs, ["action login"]);
    FakeSocket.last.answer(0);
    await turn();
    FakeSocket.last.answer(1);
    await turn();
    assert.deepEqual(FakeSocket.last.verbs, ["action login", "action more", "roomChange kitchen"]);
  });

  test("a first room that refuses before the login is entered after it, also after a reconnect", async () => {
    const client = newClient();
    client.on("welcome", () => client.action("login"));
    for (let connection = 0; connection < 2; connection++) {
      if (connection === 0) FakeSocket.last.welcome();
      else await reconnectTo();
      FakeSocket.last.receive({ context: "response", error: "log in first" });
      FakeSocket.last.answer(0);
      await turn();
      assert.deepEqual(FakeSocket.last.verbs, ["action login", "roomChange defaultRoom"]);
      assert.notEqual(client.state, "open");
      FakeSocket.last.answer(1, { room: "defaultRoom" });
      await turn();
      assert.equal(client.room, "defaultRoom");
      assert.deepEqual(client.seen.at(-1 - connection), ["open", { refusedRooms: [] }]);
      if (connection === 0) FakeSocket.last.end();
    }
    assert.ok(!client.events().includes("error"));
  });

  test("a login that moves the client counts more than a first room that refused", async () => {
    const client = newClient();
    client.on("welcome", () => client.action("login"));
    FakeSocket.last.welcome();
    FakeSocket.last.receive({ context: "response", error: "users only" });
    FakeSocket.last.receive({ context: "rooms", room: "", rooms: ["news"] });
    FakeSocket.last.receive({ context: "rooms", room: "cellar", rooms: ["cellar", "news"] });
    FakeSocket.last.answer(0);
    await turn();
    assert.deepEqual(FakeSocket.last.verbs, ["action login", "roomAdd news"]);
    FakeSocket.last.answer(1, { room: "news" });
    await turn();
    assert.equal(client.state, "open");
    assert.equal(client.room, "cellar");
    assert.deepEqual([...client.rooms], ["news"]);
  });

  test("a first room that refuses also after the login is no room of the client", async () => {
    const client = newClient();
    client.on("welcome", () => client.action("login"));
    FakeSocket.last.welcome();
    FakeSocket.last.receive({ context: "response", error: "log in first" });
    FakeSocket.last.answer(0);
    await turn();
    FakeSocket.last.answer(1, { error: "members only" });
    await turn();
    assert.equal(client.room, null);
    assert.deepEqual(client.seen.slice(1).map(([event, value]) => [event, value.message ?? value.refusedRooms]),
      [["error", "members only"], ["open", ["defaultRoom"]]]);
    assert.equal((await outcome(client.say("hello"))).code, "room");
  });

  test("a first room that refuses a client without a login is no room of the client", async () => {
    const client = await openClient();
    FakeSocket.last.receive({ context: "response", error: "members only" });
    assert.equal(client.room, null);
    assert.equal(client.seen.at(-1)[1].message, "members only");
    const chosen = client.roomChange("defaultRoom");
    FakeSocket.last.answer(0, { room: "defaultRoom" });
    await chosen;
    FakeSocket.last.end();
    await reconnectTo();
    FakeSocket.last.receive({ context: "response", error: "members only" });
    assert.equal(client.room, null);
    const error = await outcome(client.say("hello"));
    assert.match(error.message, /the room defaultRoom has refused this client/);
  });

  test("a login that fails is an error, and the rooms decide", async () => {
    const client = await openClient();
    client.on("welcome", () => client.action("login"));
    FakeSocket.last.end();
    await reconnectTo();
    FakeSocket.last.answer(0, { error: "wrong password" });
    await turn();
    assert.equal(client.state, "open");
    assert.equal(client.seen.find(([event]) => event === "error")[1].message, "wrong password");
  });

  test("a break on the way back into the rooms forgets none of them", async () => {
    const client = await inRooms();
    FakeSocket.last.end();
    await reconnectTo();
    FakeSocket.last.end();
    await turn();
    await reconnectTo();
    FakeSocket.last.answer(0, { room: "kitchen" });
    await turn();
    FakeSocket.last.end();
    await turn();
    await reconnectTo();
    tick(10_000); // no answer: this connection is no good
    await turn();
    assert.equal(client.state, "waiting");
    await reconnectTo();
    FakeSocket.last.answer(0, { room: "kitchen" });
    await turn();
    FakeSocket.last.answer(1, { room: "hall" });
    FakeSocket.last.answer(2, { room: "den" });
    await turn();
    assert.equal(client.state, "open");
    assert.deepEqual(FakeSocket.last.verbs, ["roomChange kitchen", "roomAdd hall", "roomAdd den"]);
    assert.deepEqual([...client.rooms], ["hall", "den"]);
  });

  test("who is where it was moves nowhere", async () => {
    const client = await openClient();
    const done = client.roomChange("kitchen");
    FakeSocket.last.answer(0, { room: "kitchen" });
    await done;
    FakeSocket.last.end();
    tick(30_000);
    FakeSocket.last.welcome("kitchen");
    await turn();
    assert.equal(client.state, "open");
    assert.deepEqual(FakeSocket.last.sent, []);
  });

  test("who has never changed the room follows the server", async () => {
    const client = await openClient();
    FakeSocket.last.end();
    tick(30_000);
    FakeSocket.last.welcome("another");
    await turn();
    assert.equal(client.room, "another");
    assert.deepEqual(FakeSocket.last.sent, []);
  });
});

describe("events", () => {
  test("an event of a room reaches its listeners with its value and its room", async () => {
    const client = await openClient();
    const heard = [];
    const off = client.onEvent("changed", (data, { room, from }) => heard.push([data, room, from]));
    client.onEvent("constructor", () => heard.push("another event"));
    const receive = (message, more) => FakeSocket.last.receive({ message, from: "actionHero API", context: "user", ...more });
    receive({ event: "changed", data: { id: 7 } });
    receive({ event: "changed", data: null }, { room: "den" });
    for (const other of ['{"event":"changed","data":1}', { event: "other", data: 1 }, { event: ["changed"] }, {}, null, 5, ["changed"]]) receive(other);
    assert.deepEqual(heard, [[{ id: 7 }, client.room, "actionHero API"], [null, "den", "actionHero API"]]);
    assert.equal(client.seen.filter(([event]) => event === "message").length, 9);
    off();
    off();
    receive({ event: "changed", data: 1 });
    assert.equal(heard.length, 2);
    assert.throws(() => client.onEvent("changed"), /the listener of the event changed is no function/);
  });

  test("messages come as they are", async () => {
    const client = await openClient();
    FakeSocket.last.receive({ message: { any: ["thing"] }, from: "x", context: "user", room: "den" });
    assert.deepEqual(client.seen.at(-1), ["message", { message: { any: ["thing"] }, from: "x", context: "user", room: "den" }]);
  });

  test("only the first frame is a welcome, and notices are told apart from answers", async () => {
    const client = await openClient();
    const running = client.action("a");
    for (const notice of [{ welcome: "hi" }, { id: 1, hello: 1 }, { messageId: FakeSocket.last.sent[0].messageId, text: "5" }, { hello: 1 }]) {
      FakeSocket.last.receive(notice);
      assert.deepEqual(client.seen.at(-1), ["notice", notice]);
    }
    assert.equal(FakeSocket.last.sent.length, 1, "what was sent is not sent again");
    FakeSocket.last.answer(0, { out: 1 });
    assert.equal((await running).out, 1);
    assert.deepEqual(client.events().filter((event) => event !== "notice"), ["welcome", "open"]);
  });

  test("frames that are no JSON objects are errors, and the connection goes on", async () => {
    const client = await openClient();
    for (const frame of ["", "no JSON", "null", "7", '"text"', "[]"]) FakeSocket.last.receive(frame);
    FakeSocket.last.onmessage({ data: new ArrayBuffer(4) });
    FakeSocket.last.receive({ context: "response", error: "that was no request" });
    FakeSocket.last.receive({ status: "Bye!", context: "api" });
    const errors = client.seen.filter(([event]) => event === "error").map(([, error]) => error.message);
    assert.equal(errors.length, 8);
    assert.equal(errors.at(-1), "that was no request");
    assert.equal(client.state, "open");
  });

  test("a listener that throws is reported, and stops nobody", async () => {
    const thrown = [];
    mock.method(globalThis, "queueMicrotask", (report) => thrown.push(report));
    const client = await openClient();
    let heard = 0;
    client.on("message", () => { throw new Error("mine"); });
    client.on("message", () => heard++);
    FakeSocket.last.receive({ message: "hi", from: "x", context: "user" });
    assert.equal(heard, 1);
    assert.throws(thrown[0], /mine/);
  });

  test("off, and what on returns, take a listener away", async () => {
    const client = await openClient();
    let heard = 0;
    const listener = () => heard++;
    const off = client.on("message", listener);
    client.on("message", () => off()); // while the event is under way
    FakeSocket.last.receive({ message: "1", from: "x", context: "user" });
    FakeSocket.last.receive({ message: "2", from: "x", context: "user" });
    client.on("message", listener);
    client.off("message", listener);
    client.on("message", () => client.on("message", listener)); // hears the next one
    FakeSocket.last.receive({ message: "3", from: "x", context: "user" });
    assert.equal(heard, 1);
  });
});

describe("options", () => {
  test("what cannot work is refused with a remedy", async () => {
    assert.throws(() => new ActionHero({ url, WebSocket: null }), /pass one as the option WebSocket/);
    assert.throws(() => new ActionHero({ WebSocket: FakeSocket }), /the option url is needed where there is no page/);
    assert.throws(() => new ActionHero({ url: "ftp://localhost/ws", WebSocket: FakeSocket }), /must begin with ws:/);
    assert.throws(() => new ActionHero({ url: "", WebSocket: FakeSocket }), { code: "invalid", message: /the option url is empty/ });
    assert.throws(() => newClient().on("mesage", () => {}), /there is no event mesage: there are welcome/);
  });

  test("the address is that of the page, or http for ws", () => {
    newClient({ url: "https://example.com/ws?a=b" });
    assert.equal(FakeSocket.last.url, "wss://example.com/ws?a=b&rooms=follow");
    newClient({ url: "https://example.com/ws?x=a%20b&rooms=none#top" });
    assert.equal(FakeSocket.last.url.split("#")[0], "wss://example.com/ws?x=a%20b&rooms=none");
    globalThis.location = new URL("http://localhost:8080/public/index.html");
    try {
      clients.push(new ActionHero({ WebSocket: FakeSocket }));
      assert.equal(FakeSocket.last.url, "ws://localhost:8080/ws?rooms=follow");
    } finally {
      delete globalThis.location;
    }
  });
});

describe("auth", () => {
  const bearer = (token) => ["actionhero", "bearer." + Buffer.from(token).toString("base64url")];

  test("a token goes into the handshake", () => {
    newClient({ auth: "t\u00fc/+=" });
    assert.deepEqual(FakeSocket.last.protocols, bearer("t\u00fc/+="));
    newClient();
    assert.equal(FakeSocket.last.protocols, undefined);
    newClient({ auth: null });
    assert.equal(FakeSocket.last.protocols, undefined);
    assert.throws(() => new ActionHero({ url, WebSocket: FakeSocket, auth: 7 }), /the option auth is a token/);
  });

  test("a function is asked at each connect, before the rooms are entered again", async () => {
    const tokens = ["one", "two"];
    const client = newClient({ auth: async () => tokens.shift() });
    assert.equal(FakeSocket.all.length, 0);
    assert.equal(client.state, "connecting");
    const early = client.action("a");
    await turn();
    assert.deepEqual(FakeSocket.last.protocols, bearer("one"));
    FakeSocket.last.welcome();
    await turn();
    FakeSocket.last.answer(0);
    await early;
    FakeSocket.last.end();
    tick(500);
    await turn();
    assert.deepEqual(FakeSocket.last.protocols, bearer("two"));
  });

  test("a refused token is renewed once, and then the client stays away", async () => {
    let asked = 0;
    const client = newClient({ auth: () => `token ${++asked}` });
    await turn();
    FakeSocket.last.end(4401, "expired");
    assert.equal(client.state, "waiting");
    tick(500);
    await turn();
    assert.equal(asked, 2);
    FakeSocket.last.end(4401, "expired");
    assert.equal(client.state, "closed");
    client.connect();
    await turn();
    FakeSocket.last.welcome(); // after a welcome, a refusal may again be one of an old token
    await turn();
    FakeSocket.last.end(4401, "expired");
    assert.equal(client.state, "waiting");
    const fixed = newClient({ auth: "fixed" });
    const pending = outcome(fixed.action("a"));
    FakeSocket.last.end(4401, "expired");
    assert.equal(fixed.state, "closed");
    assert.equal((await pending).errorCode, "unauthenticated");
    fixed.connect();
    fixed.close();
    assert.equal((await outcome(fixed.action("b"))).errorCode, undefined, "the app has closed it");
  });

  test("without a token from the function, the client tries again", async () => {
    let fails = true;
    const client = newClient({ auth: () => { if (fails) throw new Error("off line"); return "t"; } });
    await turn();
    assert.equal(FakeSocket.all.length, 0);
    assert.deepEqual(client.events(), ["error", "close"]);
    assert.equal(client.seen[0][1].code, "auth");
    assert.match(client.seen[0][1].message, /off line/);
    fails = false;
    tick(500);
    await turn();
    assert.deepEqual(FakeSocket.last.protocols, bearer("t"));
  });

  test("a client that is closed while it waits for a token opens nothing", async () => {
    const client = newClient({ auth: async () => "t" });
    client.close();
    await turn();
    assert.equal(FakeSocket.all.length, 0);
    assert.equal(client.state, "closed");
    const slow = newClient({ auth: () => new Promise(() => {}) });
    tick(10_000);
    assert.equal(slow.state, "waiting");
  });
});

describe("a signal", () => {
  test("gives a request up, before and after it was sent", async () => {
    const client = await openClient();
    const stop = new AbortController(), late = new AbortController();
    const sent = outcome(client.action("a", {}, { signal: stop.signal })), fine = client.action("b", {}, { signal: late.signal });
    stop.abort(new Error("enough"));
    const error = await sent;
    assert.ok(error instanceof ActionHeroError);
    assert.equal(error.code, "aborted");
    assert.equal(error.cause.message, "enough");
    FakeSocket.last.answer(0); // of the request that was given up
    FakeSocket.last.answer(1, { n: 1 });
    assert.equal((await fine).n, 1);
    late.abort(); // too late
    assert.equal((await outcome(client.action("c", {}, { signal: stop.signal }))).code, "aborted");
    assert.deepEqual(FakeSocket.last.verbs, ["action a", "action b"]);
  });
});

test("an idempotency key goes next to the params, and only if there is one", async () => {
  const client = await openClient();
  void outcome(client.action("order", { item: "tea" }, { idempotencyKey: "one" }));
  void outcome(client.action("order", { item: "tea" }));
  const [first, second] = FakeSocket.last.sent;
  assert.equal(first.idempotencyKey, "one");
  assert.deepEqual(first.params, { item: "tea", action: "order" });
  assert.ok(!("idempotencyKey" in second));
});
