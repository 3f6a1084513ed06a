// The samples at the end of the page, with the addresses of this server.

import { $, setText } from "./dom.js";

const usualTCPPort = "5000";

/** @param {{ id: string, socketServer?: object }} stats */
export function showSamples(stats) {
  setText($("sample-http"), `curl ${location.origin}/api/randomNumber`);
  setText($("sample-browser"), `import { ActionHero } from
  "/public/javascript/actionhero.js";

const client = new ActionHero();
await client.action("randomNumber");
await client.say("hello");`);
  setText($("sample-tcp"), `$ nc ${location.hostname} ${tcpPort(stats.id)}
randomNumber
say hello
quit`);
  $("tcp").hidden = !stats.socketServer;
}

/** A node's id ends with the ports that it listens on, unless it was given another: that of TCP follows that of HTTP. */
function tcpPort(id) {
  const ports = /(:\d+)+$/.exec(id)?.[0].split(":").slice(1) ?? [];
  return ports.length === 2 ? ports[1] : usualTCPPort;
}
