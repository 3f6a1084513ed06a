package generate

// mcpConfig is the section of the extra mcp in config.yaml.
const mcpConfig = `
mcp:
  # path of the web server at which agents find the tools (a path that begins with /)
  #path: "/mcp"
  # size of the message of an agent (size, 1 KiB or more)
  #maxCallBytes: "1 MiB"
  # bytes of a file with which a tool answers (size, above zero)
  #maxFileBytes: "1 MiB"
  # time within which the Body of a Content must return its next bytes (duration, 1ms or more)
  #fileTimeout: "10s"
  # sessions of clients that speak MCP 2025-11-25 or older; 0: none (sessions, 0 or more)
  #maxSessions: 1000
  # time without a message after which a session ends (duration, 1ms or more)
  #sessionTimeout: "10m"
  # whether the user confirms each call of a destructive tool; ask: if the client can ask, require: refuse the call if it cannot (never, ask or require)
  #confirm: "ask"
  # authorization servers at which agents get their tokens (OAuth 2.1); with one, every agent must log in (list of text, URLs with https, or with http to this machine)
  #issuers: []
  # URL of the tools as agents know it; it is the audience of their tokens (a URL like https://example.com/mcp; default: the URL by which the agent asks)
  #resource: null
  # scopes for which an agent asks when it logs in (list of text; default: those that the rules of the tools name)
  #scopes: null
  # token or API key of the agent of the command mcp; the app checks it like the header Authorization: Bearer (text)
  #token: ""
`

// sqliteConfig is the section of the plugin in config.yaml.
const sqliteConfig = `
sqlite:
  # file of the database; its folder is made if it does not exist (text)
  #file: "./data/app.db"
  # how long a write waits for other writes (duration, from 1ms to 10m)
  #busyTimeout: "5s"
  # largest number of connections; a read has one, and also a write that waits (whole number, from 2 to 1000)
  #maxConnections: 16
`

// accountConfig is the section of the extra auth in config.yaml.
const accountConfig = `
account:
  # address at which browsers reach the app, for links in mails (text)
  #url: "http://localhost:8080"
`
