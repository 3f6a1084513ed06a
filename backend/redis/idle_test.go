//go:build unix

package redis

import (
	"strconv"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// A node without work asks the server at most twice a second: heartbeats, pulses of the queue, and what finds a connection
// that is cut.
func TestAnIdleNodeSendsTwoCommandsASecond(t *testing.T) {
	t.Parallel()
	server := redistest.Redis.Start(t, redistest.Options{})
	back := New(Config{URL: "redis://" + server.Addr, Prefix: redistest.Prefix(), Log: quiet})
	if err := back.Open(t.Context(), newNode()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = back.Close(t.Context()) }()
	_, stop := back.Queue().Watch("default")
	defer stop()
	reads := func() int {
		n, err := strconv.Atoi(server.Info(t, "total_reads_processed"))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	<-time.After(2 * time.Second) // the start has passed
	const seconds, slack = 12, 4
	mine := -reads() + reads() // of one question of this test
	before := reads()
	<-time.After(seconds * time.Second)
	if got := reads() - before - mine; got > 2*seconds+slack || got < seconds {
		t.Errorf("the server read %d times in %d s, want at most 2 a second, and at least the pulses", got, seconds)
	}
}
