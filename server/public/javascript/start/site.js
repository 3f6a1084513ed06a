// Where this server is: the page may be behind a path prefix of a proxy, and the paths and ports are settings.

/** The root of the server, two folders above this one and the folder of the files. */
const root = new URL("../../../", import.meta.url);

/** What the server says of itself. A path begins with "/"; one that is "" and a port that is 0 are off. */
const site = await (await fetch(new URL("site.json", import.meta.url), { cache: "no-store" })).json();

const below = (path) => new URL(path.slice(1), root);

/** The port of the line protocol on this server, or 0. @type {number} */
export const tcpPort = site.tcpPort;

/** The path of Socket.IO as seen from here, or "". @type {string} */
export const socketIOPath = site.socketIO && below(site.socketIO).pathname;

/** The address of the WebSocket. */
export const webSocketURL = below(site.webSocket || "/ws").href;

/** The address of the client script. */
export const clientURL = new URL("../actionhero.js", import.meta.url);

/** The address of an action. @param {string} name */
export const actionURL = (name) => below(`${site.actions}/${encodeURIComponent(name)}`);
