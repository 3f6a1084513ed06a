import { overHTTP } from "./http.js";

// The page runs it for the test, which reads the result.
Object.assign(globalThis, { overHTTP: (name: string) => overHTTP(location.origin, name, (input, init) => fetch(input, init)) });
