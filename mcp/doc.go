// Package mcp serves the actions of an app as tools to AI agents, over the Model Context Protocol (MCP).
//
// List the part [New] among the parts of the app, and set actionhero.Action.Tool on the actions that agents may call:
//
//	cli.Main(builtin.All, actions.All, mcp.New(mcp.Options{}))
//
// Agents then find the tools at /mcp of the web server (Streamable HTTP), and the command `mcp` of the app serves them over
// the standard streams. A call of a tool is a request of the transport "mcp": authenticators, access rules, middleware,
// limits and timeouts apply as on any other transport. docs/mcp.md says how to connect an agent.
//
// It is a module of its own, so that apps without it do not link its library.
package mcp
