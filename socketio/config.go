package socketio

import (
	"errors"
	"net/http"
	"time"

	"github.com/actionhero-go/actionhero/internal/browserguard"
	"github.com/actionhero-go/actionhero/internal/setting"
)

type filled = setting.Filled

var _ = Config{}.filled // package setting reads the field by reflection

// Config holds the settings of Socket.IO. These settings are a part of the section "webSockets" of the configuration.
// [New] replaces each zero field by the default in the field's tag. In a Config that server.Load returned, a zero field
// keeps the value zero.
type Config struct {
	filled

	// The following fields have the same tags in the Config of package websocket, because both packages share these
	// settings of the configuration.
	Origins         []string      `json:"origins" doc:"origins whose pages may connect besides the server's own, like https://example.com or https://*.example.com; * is any, without its cookies"`
	MaxInFlight     int           `json:"maxInFlight" default:"100" min:"1" unit:"requests" limit:"client" reached:"the next requests wait" doc:"requests of one connection that run at a time; the server reads no further while so many run"`
	MaxQueued       int           `json:"maxQueuedMessages" default:"256" min:"1" unit:"messages" limit:"client" reached:"the connection closes; a long-polling session is closed" doc:"messages that may wait for a client; one that does not read is closed"`
	MaxQueuedLen    int           `json:"maxQueuedBytes" unit:"bytes" default:"1 MiB" min:"1" limit:"client" reached:"the connection closes; a long-polling session is closed" doc:"bytes that may wait for a client; one that does not read is closed"`
	MessageTimeout  time.Duration `json:"messageTimeout" default:"15s" min:"1ms" limit:"request" reached:"close code 1008" doc:"time within which a WebSocket message must be complete, with its attachments, and the body of a long-polling POST"`
	WriteTimeout    time.Duration `json:"writeTimeout" default:"10s" min:"1ms" limit:"client" reached:"the connection closes" doc:"time within which a WebSocket client must read 16 KiB, and the Body of a Content must return its next bytes"`
	PingInterval    time.Duration `json:"pingInterval" default:"25s" min:"1ms" doc:"time without data from a client after which the server sends a ping; over Socket.IO, time since the last reply to a ping"`
	Positions       *bool         `json:"positions" default:"true" doc:"send clients that ask for it, with ?positions=follow, the position of each room message and a notice if messages may be missing"`
	MaxContentBytes int           `json:"maxContentBytes" unit:"bytes" default:"256 KiB" min:"1" limit:"request" reached:"an error that names HTTP" doc:"bytes of an answer that is no object, for example a file; it is sent in base64"`
	PingTimeout     time.Duration `json:"pingTimeout" default:"20s" min:"1ms" limit:"client" reached:"close code 1008; a long-polling session is closed" doc:"time within which a client must reply to a ping"`

	ConnectTimeout    time.Duration `json:"connectTimeout" default:"45s" min:"1ms" limit:"client" reached:"the session is closed" doc:"time within which a Socket.IO client that has opened a session must connect to a namespace"`
	UpgradeTimeout    time.Duration `json:"upgradeTimeout" default:"10s" min:"1ms" limit:"client" reached:"the WebSocket closes; the session stays" doc:"time within which a change from long-polling to WebSocket must be complete"`
	MaxHTTPBufferSize int           `json:"maxHttpBufferSize" unit:"bytes" default:"1000000" min:"1" limit:"request" reached:"close code 1009; status 413 over long-polling" doc:"length of a message over Socket.IO, and size of the body of a long-polling request"`
	MaxPerAddress     int           `json:"maxSessionsPerAddress" default:"1000" min:"-1" unit:"sessions" range:"above zero, or 0 or -1 for no limit" limit:"address" reached:"status 429" doc:"sessions of Socket.IO that one client address may have; clients behind one proxy share an address"`
	MaxForwarded      int           `json:"maxForwarded" default:"10000" min:"1" unit:"requests" limit:"server" reached:"status 503 with Retry-After" doc:"long-polling requests that a node of a cluster forwards at a time to the nodes that have their sessions; one address may use two for each of its maxSessionsPerAddress"`
	MaxDetached       int           `json:"maxAbsent" default:"10000" min:"1" unit:"sessions" limit:"server" reached:"the session is closed" doc:"long-polling sessions that may be without a request; one more closes the session that has had none for the longest time"`

	// RemoteIP returns the address of a client behind trusted proxies. If RemoteIP is nil, the client's address is the
	// address of the network connection.
	RemoteIP func(r *http.Request) string `json:"-"`

	// Forwarded returns the scheme and the host for which the client has asked a trusted proxy, which count for the
	// server's own origin in addition to the Host header. Empty values are unknown. If Forwarded is nil, there are none.
	Forwarded func(r *http.Request) (scheme, host string) `json:"-"`
}

// check validates the settings and returns the web origins whose pages may connect. It returns an error if a setting or
// an origin is invalid.
func (c *Config) check() (browserguard.Origins, error) {
	origins, err := browserguard.NewOrigins("webSockets.origins", c.Origins)
	origins.Forwarded = c.Forwarded
	return origins, errors.Join(setting.Check("webSockets", c), err)
}
