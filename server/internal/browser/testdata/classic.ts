import { createApi, Http, isApiError, Socket } from "./api/client.js";

declare const process: { argv: string[] };

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    return `no error: ${JSON.stringify(await call)}`;
  } catch (error) {
    if (!isApiError(error)) throw error;
    return `${error.code} of ${error.action}: ${error.message}`;
  }
}

const url = process.argv[2] ?? "";
const socket = new Socket({ url });
for (const via of [new Http({ url }), socket]) {
  const api = createApi(via);
  console.log(JSON.stringify(await api.counts()), await api.nothing(), JSON.stringify(await api.vote({ id: 1 })), JSON.stringify(await api.voteV1({ id: 1 })));
  console.log(await codeOf(api.refuse({ "<size>": 1 })), "|", await codeOf(api.vote({ id: -1 })), "|", await codeOf(api.slow({ timeout: 50 })));
}
socket.close();
