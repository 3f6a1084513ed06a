package websocket

import (
	"fmt"
	"net/http"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/sendqueue"
	"github.com/actionhero-go/actionhero/internal/ws"
)

// Config is what of the section webSockets of the configuration is about plain WebSocket.
type Config struct {
	Origins         []string          `json:"origins" doc:"origins whose pages may connect besides the server's own, like https://example.com or https://*.example.com; * is any"` // default: none
	Compress        actionhero.Switch `json:"compress" doc:"agree to compression (permessage-deflate) with clients that offer it"`                                                 // default: off
	MaxMessageBytes int               `json:"maxMessageBytes" unit:"bytes" doc:"longest message of a client, after inflating; a longer one ends the connection"`                   // default: 64 KiB
	MaxInFlight     int               `json:"maxInFlight" doc:"requests of one connection at work at a time; it is read no further meanwhile"`                                     // default: 100
	MaxQueued       int               `json:"maxQueuedMessages" doc:"messages that may wait for a client; one that does not read is closed"`                                       // default: 256
	MaxQueuedLen    int               `json:"maxQueuedBytes" unit:"bytes" doc:"bytes that may wait for a client; one that does not read is closed"`                                // default: 1 MiB
	MessageTimeout  time.Duration     `json:"messageTimeout" doc:"time within which a message that was begun must end"`                                                            // default: 15s
	WriteTimeout    time.Duration     `json:"writeTimeout" doc:"time within which a client must take 16 KiB of what it is sent"`                                                   // default: 10s
	PingInterval    time.Duration     `json:"pingInterval" doc:"silence after which a client is asked whether it is still there"`                                                  // default: 25s
	PongTimeout     time.Duration     `json:"pongTimeout" doc:"time within which it must answer that"`                                                                             // default: 20s

	// RemoteIP finds the address of the client behind trusted proxies. Default: that of the connection.
	RemoteIP func(r *http.Request) string `json:"-"`
}

func (c *Config) setDefaults() {
	actionhero.SetDefault(&c.MaxMessageBytes, 64<<10)
	actionhero.SetDefault(&c.MaxInFlight, 100)
	actionhero.SetDefault(&c.MaxQueued, 256)
	actionhero.SetDefault(&c.MaxQueuedLen, 1<<20)
	actionhero.SetDefault(&c.MessageTimeout, 15*time.Second)
	actionhero.SetDefault(&c.WriteTimeout, 10*time.Second)
	actionhero.SetDefault(&c.PingInterval, 25*time.Second)
	actionhero.SetDefault(&c.PongTimeout, 20*time.Second)
}

// options checks the settings, and makes what the connections share of them.
func (c *Config) options() (ws.Options, error) {
	for key, n := range map[string]int{
		"maxMessageBytes": c.MaxMessageBytes, "maxInFlight": c.MaxInFlight, "maxQueuedMessages": c.MaxQueued, "maxQueuedBytes": c.MaxQueuedLen,
	} {
		if n <= 0 {
			return ws.Options{}, fmt.Errorf("webSockets.%s is %d: it must be above zero", key, n)
		}
	}
	for key, d := range map[string]time.Duration{
		"messageTimeout": c.MessageTimeout, "writeTimeout": c.WriteTimeout, "pingInterval": c.PingInterval, "pongTimeout": c.PongTimeout,
	} {
		if d <= 0 {
			return ws.Options{}, fmt.Errorf("webSockets.%s is %v: it must be above zero", key, d)
		}
	}
	origins, err := ws.NewOrigins(c.Origins)
	return ws.Options{
		Origins:    origins,
		SendQueue:  sendqueue.Config{MaxMessages: c.MaxQueued, MaxBytes: c.MaxQueuedLen, WriteTimeout: c.WriteTimeout},
		MaxMessage: c.MaxMessageBytes, Compress: c.Compress.Or(false),
		MessageTimeout: c.MessageTimeout, PingInterval: c.PingInterval, PongTimeout: c.PongTimeout, CloseTimeout: closeTime,
	}, err
}

// closeTime is how long a client may take to take part in the end of its connection.
const closeTime = 500 * time.Millisecond
