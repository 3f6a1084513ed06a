// The samples at the end of the page, with the addresses of this server.

import { $, setText } from "./dom.js";
import { actionURL, clientURL, tcpPort } from "./site.js";

export function showSamples() {
  setText($("sample-http"), `curl ${actionURL("randomNumber")}`);
  setText($("sample-browser"), `import { ActionHero } from
  "${clientURL.pathname}";

const client = new ActionHero();
await client.action("randomNumber");
await client.say("hello");`);
  setText($("sample-tcp"), `$ nc ${location.hostname.replace(/^\[|\]$/g, "")} ${tcpPort}
randomNumber
say hello
quit`);
  $("tcp").hidden = tcpPort === 0;
}
