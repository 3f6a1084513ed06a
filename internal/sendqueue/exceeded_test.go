package sendqueue_test

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/internal/sendqueue"
)

// A message that is queued after the budget was exceeded is written by the next Send, even if the queue has lost its
// writer in the meantime.
func TestAnExceededBudgetLosesNoMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := sendqueue.Config{MaxMessages: 1 << 20, MaxBytes: 1 << 20, WriteTimeout: time.Hour, Budget: sendqueue.NewBudget(10)}
		server, client := pipe(t)
		var q sendqueue.Queue
		q.Init(&config, server, netip.Prefix{}, func(error) {})
		if q.Add([]byte("12345678")) {
			q.Flush()
		}
		synctest.Wait()
		q.AddLater([]byte("abcdefgh")) // behind a blocked write: exceeds the budget
		got := make([]byte, 16)
		if _, err := io.ReadFull(client, got); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		q.AddLater([]byte("ijkl"))
		go q.Send()
		_ = client.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := io.ReadFull(client, got[:4]); err != nil {
			t.Error(err)
		}
		q.Close()
	})
}

// A queue that fails gives its bytes back at once, also those that are being written: one queue pays for them, not the
// next longest one, too.
func TestOneExcessClosesOneQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := sendqueue.Config{MaxMessages: 1 << 20, MaxBytes: 1 << 30, WriteTimeout: time.Hour, Budget: sendqueue.NewBudget(1 << 20)}
		queues, failed := make([]sendqueue.Queue, 3), make([]failures, 3)
		var conns []net.Conn
		for i := range queues {
			server, _ := pipe(t)
			conns = append(conns, server)
			queues[i].Init(&config, server, netip.Prefix{}, func(err error) { failed[i].record(err) }) // no writer has noticed its close yet
		}
		add := func(i, n int) {
			if queues[i].Add(make([]byte, n)) {
				queues[i].Flush()
			}
			synctest.Wait()
		}
		add(0, 700<<10)
		add(1, 200<<10)
		add(2, 100<<10)
		add(2, 100<<10)
		add(2, 1)
		failed[0].want(t, sendqueue.ErrBudget)
		failed[1].want(t)
		failed[2].want(t)
		for i := range queues {
			_ = conns[i].Close()
			queues[i].Close()
		}
		synctest.Wait()
		if used := config.Budget.Used(); used != 0 {
			t.Errorf("%d bytes still count", used)
		}
	})
}
