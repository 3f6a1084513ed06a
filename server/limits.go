package server

import (
	"io"
	"strconv"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/internal/config"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/transport"
)

// LimitsMarkdown writes the table of all limits on memory, connections and work that clients can use, as a Markdown
// page.
func LimitsMarkdown(w io.Writer) error {
	if err := config.PrintLimits(w, append(Config{}.describe(), fixedLimits...), limitsIntro); err != nil {
		return err
	}
	return config.PrintLimits(w, authLimits, authIntro)
}

const limitsIntro = `# Limits

Nothing that a client sends may grow without a bound. This table lists every limit on clients. A name with a dot is a setting, which
[Settings](settings.md) describes; the other limits are fixed.

The column "for each" says what the limit counts for: a request, a client (one connection or session), an address (of a client), or
the whole server. An error of an errorCode has the same code on every transport; over HTTP it has the status of that code.

` + "`actionhero config --limits` prints this page." + `
`

const authIntro = `
## Packages auth and limit

These limits hold in an app that uses the packages. A name with a dot is a field of a Go struct, which the app may set. The other
limits are fixed. A limit "for each" user counts for an account or the owner of a key.

` + "`LoginLimit` has a `Window` of 15 minutes by default. [Sessions](sessions.md) and [authentication](authentication.md) describe the parts." + `
The limits of an authorization server are in [OAuth](oauth.md#limits).
`

const (
	perUser    = "user"
	perRequest = "request"
	perClient  = "client"
	perServer  = "server"
	perAddress = "address"

	invalidInput      = "an error of errorCode invalidInput"
	resourceExhausted = "an error of errorCode resourceExhausted"
	unauthenticated   = "an error of errorCode unauthenticated"
	tooOften          = resourceExhausted + " with retryAfter"
	sessionCloses     = "close code 1008; a long-polling session is closed"
)

// fixedLimits are the limits on clients that no setting changes. The values of unexported constants are repeated here;
// the test of the limits drives each of them to its edge.
var fixedLimits = []config.Setting{
	fixed("params", strconv.Itoa(actionhero.MaxParams), perRequest, "params of one request, also those that no action has", invalidInput),
	fixed("jsonDepth", strconv.Itoa(jsonx.MaxDepth), perRequest, "levels of nested objects and lists in a value of JSON", invalidInput),
	fixed("decodedBytes", "64 MiB", perRequest, "memory of the lists, maps and pointers that the inputs of a request become", invalidInput),
	fixed("errorDetails", "64", perRequest, "members of errorDetails", "the first ones"),
	fixed("shownKeyBytes", "64", perRequest, "bytes of the name of a member in errorDetails", "the name is cut"),
	fixed("echoedBytes", size(transport.ShownBytes), perRequest, "bytes of a param in recievedParams; all params together have 16 times as many", "the value is cut, with its length"),
	fixed("loggedBytes", "256", perRequest, "bytes of a param or a name in a log line; all params together have 16 times as many", "the value is cut, with its length"),
	fixed("formFieldBytes", "1 MiB", perRequest, "bytes of a text field of a multipart form", invalidInput),
	fixed("formParts", "1000", perRequest, "fields and files of a multipart form", invalidInput),
	fixed("callbackBytes", "64", perRequest, "length of the name of a JSONP callback", invalidInput),
	fixed("xmlNameBytes", "64", perRequest, "length of the name of an XML element", "the name is cut"),
	fixed("xmlBytes", "256 KiB and 16 times the bytes of its JSON", perRequest, "size of an answer as XML", invalidInput),
	fixed("ranges", "16", perRequest, "ranges of a header Range", "the whole file"),
	fixed("abandonedContents", "64", perServer, "Bodies of Contents that still block after their request has ended; one address may have as many as are still free", "503 with Retry-After"),
	fixed("roomNameBytes", strconv.Itoa(actionhero.MaxRoomName), perRequest, "length of the name of a room", invalidInput),
	fixed("details", strconv.Itoa(actionhero.MaxDetails), perClient, "details of a connection", resourceExhausted),
	fixed("detailBytes", size(actionhero.MaxDetailBytes), perClient, "size of all details of a connection, in JSON", resourceExhausted),
	fixed("leavingClients", "256", perAddress, "clients that have gone and for which functions of a ConnMiddleware still run; the next client waits for them", "an error of errorCode unavailable after general.actionTimeout"),
	fixed("stickyParams", "256", perClient, "params that a TCP connection keeps", resourceExhausted),
	fixed("stickyParamBytes", "64 KiB", perClient, "size of the params that a TCP connection keeps", resourceExhausted),
	fixed("messageIDBytes", "128", perRequest, "length of the id of a message over plain WebSocket, in JSON", invalidInput),
	fixed("attachments", "10", perRequest, "binary values of an event over Socket.IO", sessionCloses),
	fixed("namespaceBytes", "128", perRequest, "length of the name of a namespace of Socket.IO", sessionCloses),
	fixed("acknowledgementDigits", "16", perRequest, "digits of the number of an acknowledgement over Socket.IO", sessionCloses),
	fixed("idempotencyKeyBytes", "255", perRequest, "length of an idempotency key", invalidInput),
	fixed("polls", "1", perClient, "long-polling requests of a session that wait at the same time", "status 400; the session is closed"),
	fixed("limitedAddresses", "131072", perServer, "addresses of which general.requestLimit remembers the requests", "nothing at first; further addresses share counts, and may read resourceExhausted early"),
	fixed("taskParamBytes", size(backend.MaxParamsBytes), perRequest, "size of the params of a task", invalidInput),
	fixed("cacheTestKeyBytes", strconv.Itoa(builtin.MaxTestKey), perRequest, "length of the key of the demo actions of the cache", invalidInput),
	fixed("cacheTestValueBytes", size(builtin.MaxTestValue), perRequest, "size of the value of the demo actions of the cache, in JSON", invalidInput),
	fixed("cacheTestObjects", strconv.Itoa(builtin.MaxTestLeft), perServer, "objects that the demo actions leave in the cache", "nothing; the oldest one is removed"),
}

// authLimits are the limits of the packages auth and limit.
var authLimits = []config.Setting{
	fixed("SessionConfig.PerUser", "50", perUser, "sessions of a user", "nothing; the oldest session ends, and its connections close"),
	fixed("sessionAgentBytes", "256", perClient, "bytes of the header User-Agent that a session keeps", "the header is cut"),
	fixed("KeyConfig.MaxPerOwner", "100", perUser, "API keys of an owner", resourceExhausted),
	fixed("keyTextBytes", "256", perRequest, "bytes of the owner, of the name, of a scope and of a role of a new API key", invalidInput),
	fixed("keyScopes", "100", perRequest, "scopes of a new API key, and as many roles", invalidInput),
	fixed("tokenBytes", "16 KiB", perRequest, "size of a bearer token", unauthenticated),
	fixed("basicBytes", "4 KiB", perRequest, "size of the credentials of HTTP Basic, as they are sent", unauthenticated),
	fixed("basicPerUser", "20", perUser, "attempts with a wrong password of HTTP Basic for one name in 15 minutes, on each node", tooOften),
	fixed("basicPerAddress", "100", perAddress, "attempts with wrong passwords of HTTP Basic in 15 minutes, on each node", tooOften),
	fixed("passwordBytes", size(1<<10), perRequest, "size of a password: HashPassword refuses a longer one, and for CheckPassword it is wrong", invalidInput),
	fixed("LoginLimit.PerAccount", "10", perUser, "attempts to log in to an account in each Window, for all addresses together that are new to it, and for each other one", tooOften),
	fixed("LoginLimit.PerAccountDay", "50", perUser, "the same attempts in 24 hours", tooOften),
	fixed("loginDelayAfter", "3", perUser, "attempts to log in to an account without a wait between them; then the wait doubles from 1 second to 1 minute", tooOften),
	fixed("LoginLimit.PerAddress", "100", perAddress, "attempts to log in with wrong passwords in each Window, for all accounts together", tooOften),
	fixed("limiterKeys", "131072", perServer, "keys of which a limit.Limiter remembers the events", "nothing at first; further keys share counts, and may read resourceExhausted early"),
}

func fixed(name, value, each, counts, reached string) config.Setting {
	return config.Setting{Key: name, Default: value, Doc: counts, Limit: each, Reached: reached}
}

// size returns a multiple of 1024 bytes as text.
func size(bytes int) string {
	if bytes%(1<<20) == 0 {
		return strconv.Itoa(bytes>>20) + " MiB"
	}
	return strconv.Itoa(bytes>>10) + " KiB"
}
