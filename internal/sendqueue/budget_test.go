package sendqueue_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/internal/sendqueue"
)

// A shared message is in memory once, and counts once, however many clients do not read it. Each client that reads gets
// it whole, with its own end.
func TestSharedMessagesDoNotMultiply(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const members, length = 40, 1 << 20
		budget := sendqueue.NewBudget(1 << 30)
		config := sendqueue.Config{MaxMessages: 100, MaxBytes: 3 * length, WriteTimeout: time.Minute, Budget: budget}
		var queues [members]sendqueue.Queue
		var clients [members]net.Conn
		for i := range queues {
			server, client := pipe(t)
			clients[i] = client
			queues[i].Init(&config, server, netip.Prefix{}, func(err error) { t.Error(err) })
		}
		shared := []byte(strings.Repeat("x", length))
		for i := range queues {
			if queues[i].AddShared(shared, fmt.Appendf(nil, " %d\n", i)) {
				queues[i].Flush()
			}
			synctest.Wait()
			if queues[i].AddShared(shared, nil) { // waits behind the first
				t.Fatal("there are two writers")
			}
		}
		if used := budget.Used(); used < length || used > length+members*100 {
			t.Errorf("the budget counts %d bytes, want the message once", used)
		}
		for i := range queues {
			end := fmt.Sprintf(" %d\n", i)
			got := make([]byte, 2*length+len(end))
			if _, err := io.ReadFull(clients[i], got); err != nil || string(got) != string(shared)+end+string(shared) {
				t.Fatalf("client %d reads something else, %v", i, err)
			}
			queues[i].Wait()
		}
		if used := budget.Used(); used != 0 {
			t.Errorf("%d bytes still count after all is read", used)
		}
	})
}

// holder is a Holder of a number of bytes.
type holder struct {
	budget *sendqueue.Budget
	place  sendqueue.Place
	bytes  int
	cut    func()
}

func (h *holder) Client() netip.Prefix { return netip.Prefix{} }
func (h *holder) Held() int            { return h.bytes }
func (h *holder) Cut() {
	h.budget.Unlist(&h.place)
	h.budget.Take(-h.bytes)
	h.bytes = 0
	if h.cut != nil {
		h.cut()
	}
}

// take adds bytes, as a queue does.
func (h *holder) take(n int) {
	h.budget.List(&h.place, h)
	h.bytes += n
	if !h.budget.Take(n) {
		h.budget.Relieve()
	}
}

// What is added while another goroutine relieves the budget is cut, too.
func TestBytesAddedDuringAReliefAreCut(t *testing.T) {
	t.Parallel()
	budget := sendqueue.NewBudget(100)
	late := &holder{budget: budget}
	first := &holder{budget: budget, cut: func() {
		done := make(chan struct{})
		go func() { // finds that another goroutine relieves the budget
			defer close(done)
			late.take(200)
		}()
		<-done
	}}
	first.take(150)
	if used := budget.Used(); used != 0 {
		t.Errorf("%d bytes count, and the limit is 100", used)
	}
}

// If all queues together exceed the budget, the longest one fails. The other clients, and those that read, notice nothing.
func TestTheLongestQueuePaysForTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := sendqueue.Config{MaxMessages: 1 << 20, MaxBytes: 1 << 30, WriteTimeout: time.Hour, Budget: sendqueue.NewBudget(1 << 20)}
		queues, failed := make([]sendqueue.Queue, 4), make([]failures, 4)
		for i := range queues {
			server, client := pipe(t)
			queues[i].Init(&config, server, netip.Prefix{}, failed[i].closing(server))
			if i == 3 {
				go func() { _, _ = io.Copy(io.Discard, client) }()
			}
		}
		add := func(i, n int) {
			if queues[i].Add(make([]byte, n)) {
				queues[i].Flush()
			}
			synctest.Wait()
		}
		for range 20 {
			add(0, 10<<10)
			add(1, 15<<10)
			add(2, 11<<10)
			add(3, 100<<10)
		}
		add(0, 200<<10)
		failed[0].want(t)
		add(2, 10<<10)
		for range 10 {
			add(2, 12<<10)
		}
		failed[0].want(t, sendqueue.ErrBudget)
		failed[1].want(t)
		failed[2].want(t)
		failed[3].want(t)
		if used := config.Budget.Used(); used > 1<<20 {
			t.Errorf("%d bytes wait", used)
		}
		for i := range queues {
			queues[i].Close()
		}
	})
}

// Closed and failed queues give everything back, with and without a write in progress.
func TestClosedQueuesGiveBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		budget := sendqueue.NewBudget(1 << 30)
		config := sendqueue.Config{MaxMessages: 10, MaxBytes: 100 << 10, WriteTimeout: 10 * time.Second, Budget: budget}
		shared := make([]byte, 64<<10)
		for i := range 8 {
			server, _ := pipe(t)
			var q sendqueue.Queue
			var failed failures
			q.Init(&config, server, netip.Prefix{}, failed.closing(server))
			for range 1 + i%4 {
				if q.AddShared(shared, []byte("end")) {
					q.Flush()
				}
				synctest.Wait()
			}
			if i < 4 {
				q.Close()
				_ = server.Close()
			}
			defer q.Wait()
		}
		time.Sleep(time.Minute)
		if used := budget.Used(); used != 0 {
			t.Errorf("%d bytes still count", used)
		}
	})
}

// A client that reads is not closed, however many messages come at once: only the bytes are limited. Messages that
// pile up before the writer has begun are no sign of a client that does not read.
func TestAClientThatReadsIsNotClosed(t *testing.T) {
	t.Parallel()
	for name, connect := range map[string]func(testing.TB) (net.Conn, net.Conn){"socket": sockets, "pipe": pipe} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := connect(t)
			var q sendqueue.Queue
			config := sendqueue.Config{MaxMessages: 10, MaxBytes: 1 << 20, WriteTimeout: time.Minute}
			q.Init(&config, server, netip.Prefix{}, func(err error) { t.Error(err) })
			writers := 0
			for range 500 { // before the first flush
				if q.Add([]byte("0123456789")) {
					writers++
				}
			}
			go func() {
				if q.Flush(); writers != 1 {
					t.Errorf("%d callers are the writer", writers)
				}
				body := io.LimitReader(zeros{}, 8<<20)
				if _, err := q.Stream(io.TeeReader(body, adder{&q}), nil); err != nil {
					t.Error(err)
				}
				q.Wait()
				_ = server.Close()
			}()
			if got, err := io.ReadAll(client); err != nil || len(got) != 8<<20+5000+10*(8<<20/(64<<10)) {
				t.Errorf("the client reads %d bytes, %v", len(got), err)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// adder adds a message for each read of a stream.
type adder struct{ q *sendqueue.Queue }

func (a adder) Write(p []byte) (int, error) {
	if a.q.Add([]byte("0123456789")) {
		return 0, errors.New("another writer during a stream")
	}
	return len(p), nil
}

// A panic of a stream's reader, or the end of its goroutine, closes the queue: later callers do not block.
func TestAPanicInAStreamClosesTheQueue(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(){"panic": func() { panic("oh") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, _ := sockets(t)
			var q sendqueue.Queue
			q.Init(&noLimits, server, netip.Prefix{}, func(err error) { t.Error(err) })
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() { _ = recover() }()
				_, _ = q.Stream(readFunc(func([]byte) (int, error) { end(); return 0, nil }), nil)
			}()
			<-done
			q.AddLater([]byte("x"))
			q.Send()
			q.Wait()
			if _, err := q.Stream(strings.NewReader("y"), nil); !errors.Is(err, net.ErrClosed) {
				t.Errorf("another stream: %v", err)
			}
		})
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// The queues of one address together pay for the budget, however short each of them is: a longer queue of another
// address, and the queues of clients that read, stay.
func TestOneAddressWithManyShortQueuesPaysForTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const limit = 1 << 20
		config := sendqueue.Config{MaxMessages: 1 << 20, MaxBytes: 1 << 30, WriteTimeout: time.Hour, Budget: sendqueue.NewBudget(limit)}
		crowd, few := netip.MustParsePrefix("203.0.113.1/32"), netip.MustParsePrefix("203.0.113.2/32")
		queues, failed := make([]sendqueue.Queue, 400), make([]failures, 400)
		for i := range queues {
			server, _ := pipe(t)
			client := crowd
			if i < 3 {
				client = few
			}
			queues[i].Init(&config, server, client, failed[i].closing(server))
		}
		add := func(i, n int) {
			if queues[i].Add(make([]byte, n)) {
				queues[i].Flush()
			}
			synctest.Wait()
			if used := config.Budget.Used(); used > limit {
				t.Fatalf("%d bytes wait", used)
			}
		}
		for i := range 3 {
			add(i, 14<<10)
		}
		for i := 3; i < len(queues); i++ {
			add(i, 5<<10)
			add(i, 1<<10)
		}
		add(0, 14<<10)
		cut := 0
		for i := range queues {
			if failed[i].mu.Lock(); len(failed[i].list) > 0 {
				cut++
				if i < 3 {
					t.Errorf("queue %d of the address with few queues fails: %v", i, failed[i].list)
				}
			}
			failed[i].mu.Unlock()
			queues[i].Close()
		}
		if cut < 200 || cut > 300 {
			t.Errorf("%d queues fail, want as many as do not fit, and a few more", cut)
		}
	})
}

// A shared message counts in parts for the addresses that hold it: an address with many holders of one message does not
// pay for an address with few long queues of its own.
func TestSharedMessagesCountInPartsForAnAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := sendqueue.Config{MaxMessages: 1 << 20, MaxBytes: 1 << 30, WriteTimeout: time.Hour, Budget: sendqueue.NewBudget(1 << 20)}
		queues, failed := make([]sendqueue.Queue, 41), make([]failures, 41)
		for i := range queues {
			server, _ := pipe(t)
			client := netip.MustParsePrefix("203.0.113.1/32")
			if i == 0 {
				client = netip.MustParsePrefix("203.0.113.2/32")
			}
			queues[i].Init(&config, server, client, failed[i].closing(server))
		}
		shared := make([]byte, 400<<10)
		for i := range queues[1:] {
			if queues[1+i].AddShared(shared, nil) {
				queues[1+i].Flush()
			}
		}
		synctest.Wait()
		for range 2 {
			if queues[0].Add(make([]byte, 350<<10)) {
				queues[0].Flush()
			}
			synctest.Wait()
		}
		queues[0].Send()
		failed[0].want(t, sendqueue.ErrBudget)
		for i := range queues {
			if i > 0 {
				failed[i].want(t)
			}
			queues[i].Close()
		}
	})
}
