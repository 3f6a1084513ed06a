//go:build hostile

package websocket_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/hostile"
	"github.com/actionhero-go/actionhero/websocket"
)

// goneWithin is how soon a client that keeps the server waiting must be gone.
const goneWithin = 15 * time.Second

// The tests of this file use the default limits, apart from the pings. They are not parallel, so that goroutines and
// files can be counted.

// pings are short enough for a client that does not answer to be gone in time.
var pings = websocket.Config{PingInterval: 7 * time.Second, PingTimeout: 7 * time.Second}

func TestSlowSendersAreGone(t *testing.T) {
	leaks := hostile.CheckLeaks(t)
	v, stop := newVictim(t, pings)
	innocent := v.innocent(t)
	const opened = handshake + "\r\n"
	begun := frame(fin|text, strings.Repeat("x", 100))
	hostile.Storm(t, goneWithin, []hostile.Kind{
		{Name: "upgrade never finished", Dial: v.dial, Open: handshake, Drip: "X-Header: and so on"},
		{Name: "upgrade begun and left", Dial: v.dial, Open: handshake},
		{Name: "upgrade over TLS", Dial: v.dialTLS, Open: handshake, Drip: "X-Header: and so on"},
		{Name: "silent", Dial: v.dial, Open: opened},
		{Name: "silent over TLS", Dial: v.dialTLS, Open: opened},
		{Name: "frame begun and left", Dial: v.dial, Open: opened + begun[:8]},
		{Name: "frame a byte at a time", Dial: v.dial, Open: opened + begun[:6], Drip: "x"},
		{Name: "frame over TLS", Dial: v.dialTLS, Open: opened + begun[:6], Drip: "x"},
		{Name: "head of a frame", Dial: v.dial, Open: opened + begun[:1]},
		{Name: "fragments", Dial: v.dial, Open: opened + frame(text, "a"), Drip: frame(cont, "")},
		{Name: "pings and a fragment", Dial: v.dial, Open: opened + frame(text, "a"), Drip: frame(fin|ping, "")},
		{Name: "half-closed", Dial: v.dial, Open: opened, HalfClose: true},
		{Name: "half-closed in a frame", Dial: v.dial, Open: opened + begun[:8], HalfClose: true},
	})
	innocent()
	stop()
	leaks()
}

// Actions whose answers fill the queues of a client: one with each answer, one after a while.
var large, medium = answers("large", 400<<10), answers("medium", 4<<10)

func answers(name string, n int) actionhero.Part {
	said := strings.Repeat("x", n)
	return actionhero.Action[actionhero.None, map[string]string]{
		Name: name, Description: "Answers much",
		Run: func(context.Context, actionhero.None) (map[string]string, error) {
			return map[string]string{"text": said}, nil
		},
	}
}

func TestClientsThatDoNotReadAreGone(t *testing.T) {
	leaks := hostile.CheckLeaks(t)
	v, stop := newVictim(t, pings, large, medium)
	innocent := v.innocent(t)
	const opened = handshake + "\r\n"
	ask := func(action string, n int) string {
		return strings.Repeat(frame(fin|text, `{"event":"action","params":{"action":"`+action+`"}}`), n)
	}
	hostile.Storm(t, goneWithin, []hostile.Kind{
		{Name: "small answers", Dial: v.dial, Open: opened + ask("medium", 500), Unread: true},
		{Name: "large answers", Dial: v.dial, Open: opened + ask("large", 50), Unread: true},
		{Name: "answers over TLS", Dial: v.dialTLS, Open: opened + ask("large", 50), Unread: true},
		{Name: "pongs", Dial: v.dial, Open: opened + strings.Repeat(frame(fin|ping, strings.Repeat("x", 125)), 2000), Unread: true},
		{Name: "answers and quit", Dial: v.dial, Open: opened + ask("large", 20) + frame(fin|text, `{"event":"quit"}`), Unread: true},
		{Name: "answers and a close frame", Dial: v.dial, Open: opened + ask("large", 20) + frame(fin|closing, ""), Unread: true},
	})
	innocent()
	stop()
	leaks()
	if len(v.log.Having("reason", "does not read")) == 0 {
		t.Error("the log does not say that clients were closed for not reading")
	}
}
