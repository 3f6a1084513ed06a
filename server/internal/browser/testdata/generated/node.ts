import { type Fetch, overHTTP, withKey } from "./http.js";
import { overSocket } from "./live.js";

declare const process: { argv: string[] };

/** A fetch with cookies, as browsers have. */
function withCookies(): Fetch {
  let cookie = "";
  return async (input, init) => {
    const headers = new Headers(init?.headers);
    if (cookie && init?.credentials !== "omit") headers.set("Cookie", cookie);
    const answer = await fetch(input, { ...init, headers });
    const set = answer.headers.getSetCookie()[0];
    if (set) cookie = set.split(";")[0] ?? "";
    return answer;
  };
}

const url = process.argv[2] ?? "";
for (const line of await overHTTP(url, "ann", withCookies())) console.log(line);
const { http, key } = await withKey(url, "cid", withCookies());
for (const line of await overSocket(url, key, http)) console.log(line);
