package sendqueue_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/internal/sendqueue"

	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

// sockets returns the two ends of a TCP connection.
func sockets(t testing.TB) (server, client net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if client, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = server.Close(), client.Close() })
	return server, client
}

// pipe returns the two ends of an in-memory connection, for tests in a synctest bubble. As with TLS, it has no
// non-blocking write.
func pipe(t testing.TB) (server, client net.Conn) {
	server, client = net.Pipe()
	t.Cleanup(func() { _, _ = server.Close(), client.Close() })
	return server, client
}

// failures records the errors that a queue reports, and closes the connection as its fail function must.
type failures struct {
	mu   sync.Mutex
	list []error
}

func (f *failures) closing(nc net.Conn) func(error) {
	return func(err error) {
		f.record(err)
		_ = nc.Close()
	}
}

func (f *failures) record(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, err)
}

func (f *failures) want(t testing.TB, want ...error) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if fmt.Sprint(f.list) != fmt.Sprint(want) {
		t.Errorf("the failures are %v, want %v", f.list, want)
	}
}

var noLimits = sendqueue.Config{MaxMessages: 1 << 20, MaxBytes: 1 << 30, WriteTimeout: time.Minute}

// Messages of many senders arrive whole, and those of one sender in their order, over both kinds of connection.
func TestOrder(t *testing.T) {
	t.Parallel()
	for name, connect := range map[string]func(testing.TB) (net.Conn, net.Conn){"socket": sockets, "pipe": pipe} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := connect(t)
			var q sendqueue.Queue
			var failed failures
			q.Init(&noLimits, server, netip.Prefix{}, failed.closing(server))
			const senders, each = 20, 200
			var sending sync.WaitGroup
			for sender := range senders {
				sending.Go(func() {
					for n := range each {
						if q.Add(fmt.Appendf(nil, "%d ", sender), fmt.Appendf(nil, "%d\n", n)) {
							q.Flush()
						}
					}
				})
			}
			next := [senders]int{}
			in := bufio.NewReader(client)
			for range senders * each {
				var sender, n int
				if _, err := fmt.Fscanf(in, "%d %d\n", &sender, &n); err != nil {
					t.Fatal(err)
				}
				if n != next[sender] {
					t.Fatalf("got message %d of sender %d, want %d", n, sender, next[sender])
				}
				next[sender]++
			}
			sending.Wait()
			q.Wait()
			failed.want(t)
		})
	}
}

// writeCounter counts the writes of a connection.
type writeCounter struct {
	net.Conn
	writes atomic.Int32
}

func (c *writeCounter) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// Messages that are added before Send go out in one write.
func TestOneWrite(t *testing.T) {
	t.Parallel()
	server, client := pipe(t)
	conn := &writeCounter{Conn: server}
	var q sendqueue.Queue
	q.Init(&noLimits, conn, netip.Prefix{}, func(err error) { t.Error(err) })
	for n := range 10 {
		q.AddLater(fmt.Appendf(nil, "%d", n))
	}
	go q.Send()
	got := make([]byte, 10)
	if _, err := io.ReadFull(client, got); err != nil || string(got) != "0123456789" {
		t.Errorf("the client reads %q, %v", got, err)
	}
	q.Wait()
	if n := conn.writes.Load(); n != 1 {
		t.Errorf("ten small messages took %d writes", n)
	}
}

// If too much is queued for a client that does not read, the queue fails with ErrFull. Add does not block.
func TestFull(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config sendqueue.Config
		length int
	}{
		"messages": {sendqueue.Config{MaxMessages: 10, MaxBytes: 1 << 30, WriteTimeout: time.Minute}, 1},
		"bytes":    {sendqueue.Config{MaxMessages: 1000, MaxBytes: 1000, WriteTimeout: time.Minute}, 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, _ := pipe(t)
				var q sendqueue.Queue
				var failed failures
				q.Init(&test.config, server, netip.Prefix{}, failed.closing(server))
				message := []byte(strings.Repeat("x", test.length))
				for n := range 10 { // as many as the limit allows; the first is being written
					if n == 1 {
						synctest.Wait()
					}
					if q.Add(message) {
						q.Flush()
					}
				}
				failed.want(t)
				time.Sleep(time.Second) // without progress of the write
				for range 5 {
					if q.Add(message) {
						q.Flush()
					}
				}
				failed.want(t, sendqueue.ErrFull)
				q.Wait() // returns: there is no writer any more
			})
		})
	}
}

// Over a socket, bytes in the system's buffers do not count toward the limits, only those in the queue.
func TestFullSocket(t *testing.T) {
	t.Parallel()
	server, _ := sockets(t)
	var q sendqueue.Queue
	var failed failures
	config := sendqueue.Config{MaxMessages: 1 << 20, MaxBytes: 64 << 10, WriteTimeout: time.Minute}
	q.Init(&config, server, netip.Prefix{}, failed.closing(server))
	message := make([]byte, 32<<10)
	for range 10_000 { // 320 MB, more than any system buffers
		if q.Add(message) {
			q.Flush()
		}
		failed.mu.Lock()
		n := len(failed.list)
		failed.mu.Unlock()
		if n > 0 {
			break
		}
	}
	q.Wait()
	failed.want(t, sendqueue.ErrFull)
}

// A slow client stays connected as long as it reads a chunk within WriteTimeout. If it stops, the queue fails with ErrSlow.
func TestSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := pipe(t)
		var q sendqueue.Queue
		var failed failures
		config := sendqueue.Config{MaxMessages: 100, MaxBytes: 1 << 30, WriteTimeout: 10 * time.Second}
		q.Init(&config, server, netip.Prefix{}, failed.closing(server))
		const chunk = 16 << 10
		if q.Add(make([]byte, 4*chunk)) {
			q.Flush()
		}
		for n := range 3 {
			time.Sleep(9 * time.Second)
			if _, err := io.ReadFull(client, make([]byte, chunk)); err != nil {
				t.Fatalf("chunk %d: %v", n, err)
			}
			failed.want(t)
		}
		start := time.Now()
		q.Wait()
		failed.want(t, sendqueue.ErrSlow)
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("the queue fails after %v, want WriteTimeout", took)
		}
		if q.Add([]byte("x")) {
			t.Error("Add after a failure makes the caller the writer")
		}
	})
}

// Ready and AddLater block while the queue is half full, so there is room for messages that the client has not requested.
func TestReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := pipe(t)
		var q sendqueue.Queue
		var failed failures
		config := sendqueue.Config{MaxMessages: 10, MaxBytes: 1 << 30, WriteTimeout: time.Minute}
		q.Init(&config, server, netip.Prefix{}, failed.closing(server))
		var added atomic.Int32
		go func() {
			for range 20 {
				q.Ready()
				q.AddLater([]byte("a"))
				added.Add(1)
			}
		}()
		synctest.Wait()
		if n := added.Load(); n != 5 {
			t.Errorf("%d replies were accepted for a client that does not read, with a limit of 10 messages: want 5", n)
		}
		for range 5 {
			if q.Add([]byte("b")) {
				t.Error("Add returned true while another goroutine is the writer")
			}
		}
		failed.want(t)
		if _, err := io.ReadFull(client, make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, client) }()
		synctest.Wait()
		q.Send()
		q.Wait()
		if n := added.Load(); n != 20 {
			t.Errorf("%d of 20 replies were accepted for a client that reads", n)
		}
		failed.want(t)
		q.Close()
		q.Ready() // returns: the queue is closed
		q.AddLater([]byte("c"))
	})
}

// Stream writes after the messages that were queued before, and before later ones, with nothing in between.
func TestStream(t *testing.T) {
	t.Parallel()
	for name, connect := range map[string]func(testing.TB) (net.Conn, net.Conn){"socket": sockets, "pipe": pipe} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := connect(t)
			var q sendqueue.Queue
			q.Init(&noLimits, server, netip.Prefix{}, func(err error) { t.Error(err) })
			q.AddLater([]byte("before ")) // not sent yet
			const want = "before one two end after"
			got, read := make([]byte, len(want)), make(chan error, 1)
			go func() {
				_, err := io.ReadFull(client, got)
				read <- err
			}()
			body, more := io.Pipe()
			streamed := make(chan error, 1)
			go func() {
				_, err := q.Stream(body, []byte(" end"))
				streamed <- err
			}()
			if _, err := io.WriteString(more, "one "); err != nil { // the write returns when it is read, so the stream has started
				t.Fatal(err)
			}
			if q.Add([]byte(" after")) {
				t.Error("Add during a stream made the caller the writer")
			}
			go func() { _, _ = io.WriteString(more, "two"); _ = more.Close() }()
			if err := <-read; err != nil || string(got) != want {
				t.Errorf("the client reads %q, %v; want %q", got, err, want)
			}
			if err := <-streamed; err != nil {
				t.Error(err)
			}
		})
	}
}

// A stream that fails closes the queue: the client could not tell where the next message begins.
func TestStreamFails(t *testing.T) {
	t.Parallel()
	server, client := sockets(t)
	var q sendqueue.Queue
	q.Init(&noLimits, server, netip.Prefix{}, func(err error) { t.Error(err) })
	diskError := errors.New("the disk is broken")
	if _, err := q.Stream(io.MultiReader(strings.NewReader("a"), iotest.ErrReader(diskError)), []byte("end")); !errors.Is(err, diskError) {
		t.Errorf("got %v", err)
	}
	if q.Add([]byte("b")) {
		t.Error("Add after a failed stream makes the caller the writer")
	}
	if _, err := q.Stream(strings.NewReader("c"), nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("another stream: %v", err)
	}
	_ = server.Close()
	if got, err := io.ReadAll(client); err != nil || string(got) != "a" {
		t.Errorf("the client reads %q, %v", got, err)
	}
}

// After Close nothing is written. If the client has closed the connection, fail is not called.
func TestClosed(t *testing.T) {
	t.Parallel()
	server, client := sockets(t)
	var q sendqueue.Queue
	q.Init(&noLimits, server, netip.Prefix{}, func(err error) { t.Error(err) })
	q.AddLater([]byte("a"))
	q.Close()
	q.Send()
	if q.Add([]byte("b")) {
		t.Error("Add to a closed queue makes the caller the writer")
	}
	q.Wait()
	_ = server.Close()
	if got, err := io.ReadAll(client); err != nil || len(got) > 0 {
		t.Errorf("the client reads %q, %v", got, err)
	}
	var gone sendqueue.Queue
	gone.Init(&noLimits, server, netip.Prefix{}, func(err error) { t.Error(err) })
	if gone.Add([]byte("c")) {
		gone.FlushWait()
	}
	gone.Wait()
}

func BenchmarkAdd(b *testing.B) {
	server, client := sockets(b)
	var q sendqueue.Queue
	q.Init(&noLimits, server, netip.Prefix{}, func(err error) { b.Error(err) })
	go func() { _, _ = io.Copy(io.Discard, client) }()
	message, tail := make([]byte, 100), []byte("\r\n")
	b.ReportAllocs()
	for b.Loop() {
		if q.Add(message, tail) {
			q.FlushWait()
		}
	}
	b.StopTimer()
	_ = server.Close()
}

// The queued messages are written before the last one, later ones are dropped, and Wait returns.
func TestEnd(t *testing.T) {
	t.Parallel()
	for name, connect := range map[string]func(testing.TB) (net.Conn, net.Conn){"socket": sockets, "pipe": pipe} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := connect(t)
			var q sendqueue.Queue
			q.Init(&noLimits, server, netip.Prefix{}, func(err error) { t.Error(err) })
			q.AddLater([]byte("before "))
			if !q.End([]byte("last")) {
				t.Fatal("End returned false although there is no writer")
			}
			if q.Add([]byte("after")) {
				t.Error("Add after End makes the caller the writer")
			}
			q.AddLater([]byte("after"))
			go func() {
				q.FlushWait()
				_ = server.Close()
			}()
			if got, err := io.ReadAll(client); err != nil || string(got) != "before last" {
				t.Errorf("the client reads %q, %v", got, err)
			}
			q.Wait()
			q.Close()
			if q.End([]byte("x")) {
				t.Error("End of a closed queue makes the caller the writer")
			}
		})
	}
}

// After a failure the last message follows what is being written; the queued messages are dropped.
func TestEndAfterFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := pipe(t)
		var q sendqueue.Queue
		config := sendqueue.Config{MaxMessages: 3, MaxBytes: 1 << 20, WriteTimeout: time.Minute}
		var failures int
		q.Init(&config, server, netip.Prefix{}, func(error) {
			if failures++; q.End([]byte("last")) {
				t.Error("End returned true although another goroutine is the writer")
			}
		})
		for range 10 {
			if q.Add([]byte("message ")) {
				q.Flush()
			}
			time.Sleep(time.Second)
		}
		go func() {
			q.Wait()
			_ = server.Close()
		}()
		if got, err := io.ReadAll(client); err != nil || string(got) != "message last" || failures != 1 {
			t.Errorf("the client reads %q, %v, after %d failures", got, err, failures)
		}
	})
}

// The Add that fills the queue reports it, even if another goroutine has the claim to write. Wait then returns.
func TestFullBeforeFlush(t *testing.T) {
	t.Parallel()
	server, _ := pipe(t)
	var q sendqueue.Queue
	var failed failures
	config := sendqueue.Config{MaxMessages: 100, MaxBytes: 2, WriteTimeout: time.Minute}
	q.Init(&config, server, netip.Prefix{}, failed.closing(server))
	writers := 0
	for range 3 {
		if q.Add([]byte("x")) {
			writers++
		}
	}
	failed.want(t)
	for range writers {
		q.Flush()
	}
	failed.want(t, sendqueue.ErrFull)
	q.Wait()
}
