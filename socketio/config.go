package socketio

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/ws"
)

// Config is what can be set. The zero value works.
type Config struct {
	Origins []string `json:"origins" doc:"origins whose pages may connect besides the server's own: https://example.com, https://*.example.com, or * for all"` // default: none

	PingInterval   time.Duration `json:"pingInterval" doc:"time between the answer to a ping and the next ping"`                                // default: 25s
	PingTimeout    time.Duration `json:"pingTimeout" doc:"time within which a client must answer a ping"`                                       // default: 20s
	ConnectTimeout time.Duration `json:"connectTimeout" doc:"time within which a client that has opened a session must connect to a namespace"` // default: 45s
	UpgradeTimeout time.Duration `json:"upgradeTimeout" doc:"time within which a change from long-polling to WebSocket must be over"`           // default: 10s
	MessageTimeout time.Duration `json:"messageTimeout" doc:"time within which a WebSocket message that was begun must end"`                    // default: 15s
	WriteTimeout   time.Duration `json:"writeTimeout" doc:"time within which a WebSocket client must take 16 KiB of what it is sent"`           // default: 10s

	MaxHTTPBufferSize int `json:"maxHttpBufferSize" unit:"bytes" doc:"largest message, and largest body of a long-polling request"`                               // default: 1000000
	MaxInFlight       int `json:"maxInFlight" doc:"requests of one connection at work at a time; it is read no further meanwhile"`                                // default: 100
	MaxQueued         int `json:"maxQueuedMessages" doc:"messages that may wait for a client; one that does not read or poll is closed"`                          // default: 256
	MaxQueuedLen      int `json:"maxQueuedBytes" unit:"bytes" doc:"bytes that may wait for a client; one that does not read or poll is closed"`                   // default: 1 MiB
	MaxAbsent         int `json:"maxAbsent" doc:"long-polling sessions that may be without a request; one more, and the one that has been for longest is closed"` // default: 10000

	// RemoteIP finds the address of the client behind trusted proxies. Default: that of the connection.
	RemoteIP func(r *http.Request) string `json:"-"`
}

func (c *Config) setDefaults() {
	actionhero.SetDefault(&c.PingInterval, 25*time.Second)
	actionhero.SetDefault(&c.PingTimeout, 20*time.Second)
	actionhero.SetDefault(&c.ConnectTimeout, 45*time.Second)
	actionhero.SetDefault(&c.UpgradeTimeout, 10*time.Second)
	actionhero.SetDefault(&c.MessageTimeout, 15*time.Second)
	actionhero.SetDefault(&c.WriteTimeout, 10*time.Second)
	actionhero.SetDefault(&c.MaxHTTPBufferSize, 1_000_000)
	actionhero.SetDefault(&c.MaxInFlight, 100)
	actionhero.SetDefault(&c.MaxQueued, 256)
	actionhero.SetDefault(&c.MaxQueuedLen, 1<<20)
	actionhero.SetDefault(&c.MaxAbsent, 10_000)
}

// check refuses what would make a server that serves nobody.
func (c *Config) check() (ws.Origins, error) {
	var errs []error
	for key, d := range map[string]time.Duration{
		"pingInterval": c.PingInterval, "pingTimeout": c.PingTimeout, "connectTimeout": c.ConnectTimeout,
		"upgradeTimeout": c.UpgradeTimeout, "messageTimeout": c.MessageTimeout, "writeTimeout": c.WriteTimeout,
	} {
		if d < time.Millisecond {
			errs = append(errs, fmt.Errorf("webSockets.%s is %v: it must be a millisecond or more", key, d))
		}
	}
	for key, n := range map[string]int{
		"maxHttpBufferSize": c.MaxHTTPBufferSize, "maxInFlight": c.MaxInFlight, "maxQueuedMessages": c.MaxQueued,
		"maxQueuedBytes": c.MaxQueuedLen, "maxAbsent": c.MaxAbsent,
	} {
		if n <= 0 {
			errs = append(errs, fmt.Errorf("webSockets.%s is %d: it must be above zero", key, n))
		}
	}
	origins, err := ws.NewOrigins(c.Origins)
	return origins, errors.Join(append(errs, err)...)
}
