package server_test

import (
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// If many clients connect at once, each of them reads the notices of the others' coming, and none that reads is closed.
func TestClientsThatReadAreKeptInACrowd(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, testkit.Options{Change: func(cfg *server.Config) { cfg.General.AnnounceLimit = 500 }})
	for name, connect := range s.Readers() {
		for range 2 {
			if err := testkit.Crowd(300, connect); err != nil {
				t.Errorf("%s: %.2000v", name, err)
			}
		}
	}
}
