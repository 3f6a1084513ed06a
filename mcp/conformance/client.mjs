// Calls the app of this folder with a TypeScript client: node client.mjs old|new URL. "old" is @modelcontextprotocol/sdk, which opens a session, and "new"
// is @modelcontextprotocol/client, which takes the newest version that the server has.
const [,, which, url] = process.argv;
const { Client, StreamableHTTPClientTransport } = which === "old"
	? { ...(await import("@modelcontextprotocol/sdk/client/index.js")), ...(await import("@modelcontextprotocol/sdk/client/streamableHttp.js")) }
	: await import("@modelcontextprotocol/client");
const client = new Client({ name: "test", version: "1" }, { capabilities: {}, ...(which === "new" && { versionNegotiation: { mode: "auto" } }) });
await client.connect(new StreamableHTTPClientTransport(new URL(url)));
const { tools } = await client.listTools();
const called = await client.callTool({ name: "test_simple_text", arguments: {} });
const read = await client.readResource({ uri: "test://template/7/data" });
const got = await client.getPrompt({ name: "test_prompt_with_arguments", arguments: { arg1: "a", arg2: "b" } });
const reports = [];
await client.callTool({ name: "test_tool_with_progress", arguments: {} }, ...(which === "old" ? [undefined] : []), { onprogress: (p) => reports.push(p.progress) });
const seen = JSON.stringify([tools.length, called.structuredContent.text.length, JSON.parse(read.contents[0].text).id, got.messages.length, reports]);
if (seen !== JSON.stringify([8, 43, "7", 1, [0, 50, 100]])) { console.error(which, "has seen", seen); process.exit(1); }
const version = client.getNegotiatedProtocolVersion?.() ?? "2025-11-25";
if (version !== (which === "old" ? "2025-11-25" : "2026-07-28")) { console.error(which, "speaks", version); process.exit(1); }
console.log(which, version, seen);
await client.close();
