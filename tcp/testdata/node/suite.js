// Runs one npm client against the server: node suite.js PACKAGE PORT DIALECT. It prints "ok NAME" for each case that passes.
const assert = require("node:assert");
const { promisify } = require("node:util");

const [name, port, dialect] = process.argv.slice(2);
const Client = require(name);
const isPromised = name === "actionhero-client";

// open returns a connected client whose methods resolve with the answer of the server.
async function open() {
  const client = new Client();
  client.on("error", (error) => {
    if (!/reconnectAttempts/.test(error.message)) console.log("an error: " + error.message); // at its end, a client tries to reconnect
  });
  const params = { host: "127.0.0.1", port: Number(port), reconnectAttempts: 0, timeout: 10000 };
  const answers = {};
  if (isPromised) {
    await client.connect(params);
    for (const method of ["paramAdd", "paramView", "paramsView", "paramDelete", "paramsDelete", "detailsView", "documentation", "roomAdd", "roomLeave", "roomView", "say", "action", "actionWithParams"]) {
      answers[method] = async (...args) => {
        const answer = await client[method](...args);
        return method === "detailsView" ? { data: answer } : answer;
      };
    }
  } else {
    await promisify(client.connect.bind(client))(params);
    for (const method of ["paramAdd", "paramView", "paramsView", "paramDelete", "paramsDelete", "detailsView", "documentation", "roomAdd", "roomLeave", "roomView", "say", "action", "actionWithParams"]) {
      answers[method] = (...args) => new Promise((resolve) => client[method](...args, (error, data) => resolve({ error, data })));
    }
  }
  return Object.assign(answers, { client, close: () => client.disconnect() });
}

const heard = (c) => new Promise((resolve) => c.client.once("say", resolve));

const cases = {
  async connects(a) {
    assert.equal(a.client.id.length, 36);
    const { data } = await a.detailsView();
    assert.equal(data.data.id, a.client.id);
    assert.equal(data.data.remoteIP, "127.0.0.1");
  },
  async params(a) {
    assert.equal((await a.paramAdd("key", "a value")).error, null);
    assert.equal((await a.paramView("key")).data.data, "a value");
    assert.deepEqual((await a.paramsView()).data.data, { key: "a value" });
    assert.equal((await a.paramDelete("key")).error, null);
    assert.deepEqual((await a.paramsView()).data.data, {});
    assert.equal((await a.paramsDelete()).error, null);
  },
  async actions(a) {
    const failed = await a.action("cacheTest");
    assert.equal(failed.error.message, "key is a required parameter for this action");
    const { error, data } = await a.actionWithParams("cacheTest", { key: "k", value: "v" });
    assert.equal(error, null);
    assert.equal(data.cacheTestResults.saveResp, true);
    assert.match((await a.action("nothing")).error.message, /not a known action/);
    const many = await Promise.all(Array.from({ length: 20 }, () => a.action("randomNumber")));
    assert.ok(many.every(({ error, data }) => error === null && data.randomNumber >= 0));
  },
};

const laterCases = {
  async keptParams(a) {
    await a.paramsDelete();
    await a.actionWithParams("cacheTest", { key: "kept", value: "v" });
    assert.equal((await a.action("cacheTest")).data.cacheTestResults.loadResp.value, "v");
    await a.actionWithParams("cacheTest", { key: "other" });
    assert.equal((await a.action("cacheTest")).error.message, "value is a required parameter for this action");
    await a.paramsDelete();
  },
  async rooms(a, b) {
    assert.deepEqual((await a.detailsView()).data.data.rooms, []);
    assert.equal((await a.roomAdd("den")).data.data, true);
    assert.equal((await a.roomAdd("den")).error.message, "connection already in this room (den)");
    assert.equal((await b.roomAdd("den")).error, null);
    const { data } = await a.roomView("den");
    assert.equal(data.data.membersCount, 2);
    assert.equal(data.data.members[b.client.id].id, b.client.id);
    const both = Promise.all([heard(a), heard(b)]);
    assert.equal((await a.say("den", "hello all of you")).error, null);
    for (const { message, from } of await both) {
      assert.equal(message, "hello all of you");
      assert.equal(from, a.client.id);
    }
    assert.equal((await a.say("attic", "x")).error.message, "connection not in this room (attic)");
    assert.equal((await a.roomLeave("den")).data.data, true);
    assert.equal((await a.roomLeave("den")).error.message, "connection not in this room (den)");
    assert.equal((await a.roomView("den")).data.data.membersCount, 1);
  },
  async documentation(a) {
    const { data } = await a.documentation();
    assert.equal(data.data.cacheTest["1"].inputs.key.required, true);
  },
};

async function main() {
  const a = await open();
  const b = await open();
  for (const [name, run] of Object.entries(dialect === "later" ? { ...cases, ...laterCases } : cases)) {
    try {
      await run(a, b);
      console.log("ok " + name);
    } catch (error) {
      console.log(name + ": " + error.stack);
    }
  }
  const ended = new Promise((resolve) => a.client.once("end", resolve));
  a.close();
  await ended;
  console.log("ok end");
  b.close();
  setTimeout(() => process.exit(0), 50);
}

main();
