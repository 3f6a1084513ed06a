import { type Fetch, overHTTP, withKey } from "./http.js";
import { overSocket } from "./live.js";

const url = location.origin;
const real: Fetch = (input, init) => fetch(input, init);

// The page runs both for the test, which reads the results.
Object.assign(globalThis, {
  async drive(): Promise<string[]> {
    const lines = await overHTTP(url, "bob", real);
    const { http, key } = await withKey(url, "dan", real);
    return [...lines, ...await overSocket(url, key, http)];
  },
});
