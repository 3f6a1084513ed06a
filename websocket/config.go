package websocket

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/browserguard"
	"github.com/actionhero-go/actionhero/internal/sendqueue"
	"github.com/actionhero-go/actionhero/internal/setting"
	"github.com/actionhero-go/actionhero/internal/ws"
)

type filled = setting.Filled

var _ = Config{}.filled // package setting reads the field by reflection

// Config holds the settings of plain WebSocket, a part of the section "webSockets" of the configuration. [New] replaces
// each zero field by the default in the field's tag. In a Config that server.Load returned, a zero field keeps the
// value zero.
type Config struct {
	filled

	// The following fields have the same tags in the Config of package socketio, because both packages share these
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

	MaxMessageBytes int  `json:"maxMessageBytes" unit:"bytes" default:"64 KiB" min:"1" limit:"request" reached:"close code 1009" doc:"length of a message over plain WebSocket, once inflated; a longer one ends the connection"`
	Compress        bool `json:"compress" doc:"agree to compression (permessage-deflate) with clients of plain WebSocket that offer it"`

	Subprotocols []string `json:"subprotocols" doc:"names of subprotocols that clients of plain WebSocket may ask for, as new WebSocket(url, name) does; the messages are the same"`

	// RemoteIP returns the address of a client behind trusted proxies. If RemoteIP is nil, the client's address is the
	// address of the network connection.
	RemoteIP func(r *http.Request) string `json:"-"`

	// Forwarded returns the scheme and the host for which the client has asked a trusted proxy, which count for the
	// server's own origin in addition to the Host header. Empty values are unknown. If Forwarded is nil, there are none.
	Forwarded func(r *http.Request) (scheme, host string) `json:"-"`
}

// options checks the settings and returns the options that all connections share. It returns an error if a setting or
// an origin is invalid.
func (c *Config) options() (ws.Options, error) {
	if err := setting.Check("webSockets", c); err != nil {
		return ws.Options{}, err
	}
	for _, name := range c.Subprotocols {
		if !ws.ValidSubprotocol(name) {
			return ws.Options{}, fmt.Errorf("webSockets.subprotocols has %q: write a name of letters and digits, which may also have the characters - and . in it", name)
		}
	}
	origins, err := browserguard.NewOrigins("webSockets.origins", c.Origins)
	origins.Forwarded = c.Forwarded
	return ws.Options{
		Origins:    origins,
		SendQueue:  sendqueue.Config{MaxMessages: c.MaxQueued, MaxBytes: c.MaxQueuedLen, WriteTimeout: c.WriteTimeout},
		MaxMessage: c.MaxMessageBytes, Compress: c.Compress, Subprotocols: append(slices.Clip(c.Subprotocols), actionhero.WebSocketProtocol),
		MessageTimeout: c.MessageTimeout, PingInterval: c.PingInterval, PongTimeout: c.PingTimeout, CloseTimeout: closeTimeout,
	}, err
}

// closeTimeout is the time within which a client must complete the closing handshake of a WebSocket.
const closeTimeout = 500 * time.Millisecond
