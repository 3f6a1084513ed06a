// The start page: what the server is doing, its actions to try over each transport, and a chat between tabs.

import { ActionHero } from "./javascript/actionhero.js";
import { showActions } from "./javascript/start/actions.js";
import { startChat } from "./javascript/start/chat.js";
import { showSamples } from "./javascript/start/samples.js";
import { webSocketURL } from "./javascript/start/site.js";
import { watchStatus } from "./javascript/start/status.js";
import { parse } from "./javascript/start/text.js";
import { transportsOf } from "./javascript/start/transports.js";

// A person looks at this page and waits: the client tries again within seconds.
const client = new ActionHero({ url: webSocketURL, parse, reconnect: { min: 300, max: 4_000 } });

const actions = showActions(transportsOf(client));
showSamples();
const status = watchStatus({ up: () => actions.load() });
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
