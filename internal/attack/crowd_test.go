//go:build hostile

package attack_test

import (
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// A thousand clients connect at once, again and again: each of them reads the notices of the others' coming, and none
// that reads is closed.
func TestACrowdOfReadersIsKept(t *testing.T) {
	rounds := map[string]int{"websocket": 100, "socketio": 10, "tcp": 10}
	if testing.Short() {
		rounds = map[string]int{"websocket": 2, "socketio": 1, "tcp": 1}
	}
	s := newTarget(t, func(cfg *server.Config) {
		cfg.General.AnnounceLimit = 500
		cfg.TCPServer.MaxConnsPerAddr = -1 // those of the round before may not be closed yet
	})
	for name, connect := range s.Readers() {
		for round := range rounds[name] {
			if err := testkit.Crowd(1000, connect); err != nil {
				t.Fatalf("%s, round %d: %.2000v", name, round, err)
			}
		}
	}
}
