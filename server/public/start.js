// The start page: what the server is doing, its actions to try over each transport, and a chat between tabs.

import { ActionHero } from "./javascript/actionhero.js";
import { showActions } from "./javascript/start/actions.js";
import { startChat } from "./javascript/start/chat.js";
import { showSamples } from "./javascript/start/samples.js";
import { watchStatus } from "./javascript/start/status.js";
import { transportsOf } from "./javascript/start/transports.js";

// Whoever looks at this page waits for the server: it comes back within seconds of it.
const client = new ActionHero({ reconnect: { min: 300, max: 4_000 } });

const actions = showActions(transportsOf(client));
const status = watchStatus({ up: () => actions.load(), stats: showSamples });
startChat(client);

// The connection is the first to know when the server comes and goes.
let open = false;
client.on("open", () => {
  open = true;
  status.refresh();
});
client.on("close", () => {
  if (open) status.refresh();
  open = false;
});
