package sendqueue_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero/internal/sendqueue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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

// pipe returns two ends that a test of time can use. They have no write that does not block, as with TLS.
func pipe(t testing.TB) (server, client net.Conn) {
	server, client = net.Pipe()
	t.Cleanup(func() { _, _ = server.Close(), client.Close() })
	return server, client
}

// failures keeps what an outbox tells, and closes the connection as it must.
type failures struct {
	mu   sync.Mutex
	list []error
}

func (f *failures) of(nc net.Conn) func(error) {
	return func(err error) {
		f.mu.Lock()
		f.list = append(f.list, err)
		f.mu.Unlock()
		_ = nc.Close()
	}
}

func (f *failures) are(t testing.TB, want ...error) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if fmt.Sprint(f.list) != fmt.Sprint(want) {
		t.Errorf("the connection is given up for %v, want %v", f.list, want)
	}
}

var wide = sendqueue.Config{MaxMessages: 1 << 20, MaxBytes: 1 << 30, WriteTimeout: time.Minute}

// Messages of many senders arrive whole, and those of one in the order in which it sent them, over both kinds of
// connection.
func TestOrder(t *testing.T) {
	t.Parallel()
	for name, connect := range map[string]func(testing.TB) (net.Conn, net.Conn){"socket": sockets, "pipe": pipe} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := connect(t)
			var box sendqueue.Queue
			var failed failures
			box.Init(&wide, server, failed.of(server))
			const senders, each = 20, 200
			var sending sync.WaitGroup
			for sender := range senders {
				sending.Go(func() {
					for n := range each {
						if box.Add(fmt.Appendf(nil, "%d ", sender), fmt.Appendf(nil, "%d\n", n)) {
							box.Flush()
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
					t.Fatalf("message %d of sender %d comes when %d is due", n, sender, next[sender])
				}
				next[sender]++
			}
			sending.Wait()
			box.Wait()
			failed.are(t)
		})
	}
}

// counted counts the writes of a connection.
type counted struct {
	net.Conn
	writes atomic.Int32
}

func (c *counted) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// What is added before a Send goes out in one write.
func TestTogether(t *testing.T) {
	t.Parallel()
	server, client := pipe(t)
	conn := &counted{Conn: server}
	var box sendqueue.Queue
	box.Init(&wide, conn, func(err error) { t.Error(err) })
	for n := range 10 {
		box.AddLater(fmt.Appendf(nil, "%d", n))
	}
	go box.Send()
	got := make([]byte, 10)
	if _, err := io.ReadFull(client, got); err != nil || string(got) != "0123456789" {
		t.Errorf("the client reads %q, %v", got, err)
	}
	box.Wait()
	if n := conn.writes.Load(); n != 1 {
		t.Errorf("ten small messages took %d writes", n)
	}
}

// A client that does not read is given up once too much waits, and whoever adds is not the one to wait for it.
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
				var box sendqueue.Queue
				var failed failures
				box.Init(&test.config, server, failed.of(server))
				message := []byte(strings.Repeat("x", test.length))
				for n := range 10 { // as many as may wait, beside the first, which is being written
					if n == 1 {
						synctest.Wait()
					}
					if box.Add(message) {
						box.Flush()
					}
				}
				failed.are(t)
				for range 5 {
					if box.Add(message) {
						box.Flush()
					}
				}
				failed.are(t, sendqueue.ErrFull)
				box.Wait() // there is nobody to wait for any more
			})
		})
	}
}

// Over a socket the same: what the system takes does not count, what waits here does.
func TestFullSocket(t *testing.T) {
	t.Parallel()
	server, _ := sockets(t)
	var box sendqueue.Queue
	var failed failures
	config := sendqueue.Config{MaxMessages: 1 << 20, MaxBytes: 64 << 10, WriteTimeout: time.Minute}
	box.Init(&config, server, failed.of(server))
	message := make([]byte, 32<<10)
	for range 10_000 { // 320 MB, more than any system takes
		if box.Add(message) {
			box.Flush()
		}
		failed.mu.Lock()
		given := len(failed.list)
		failed.mu.Unlock()
		if given > 0 {
			break
		}
	}
	box.Wait()
	failed.are(t, sendqueue.ErrFull)
}

// A client that reads, however slowly, is fine as long as it takes a piece in each time; one that stops is not.
func TestSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := pipe(t)
		var box sendqueue.Queue
		var failed failures
		config := sendqueue.Config{MaxMessages: 100, MaxBytes: 1 << 30, WriteTimeout: 10 * time.Second}
		box.Init(&config, server, failed.of(server))
		const piece = 16 << 10
		if box.Add(make([]byte, 4*piece)) {
			box.Flush()
		}
		for n := range 3 {
			time.Sleep(9 * time.Second)
			if _, err := io.ReadFull(client, make([]byte, piece)); err != nil {
				t.Fatalf("piece %d: %v", n, err)
			}
			failed.are(t)
		}
		began := time.Now()
		box.Wait()
		failed.are(t, sendqueue.ErrSlow)
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("a client that does not read is given up after %v", took)
		}
		if box.Add([]byte("x")) {
			t.Error("a connection that was given up takes messages")
		}
	})
}

// Whoever sends what a client has asked for waits with the client before half of what may wait does, so there is room for
// what it has not asked for.
func TestReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := pipe(t)
		var box sendqueue.Queue
		var failed failures
		config := sendqueue.Config{MaxMessages: 10, MaxBytes: 1 << 30, WriteTimeout: time.Minute}
		box.Init(&config, server, failed.of(server))
		var added atomic.Int32
		go func() {
			for range 20 {
				box.Ready()
				box.AddLater([]byte("a"))
				added.Add(1)
			}
		}()
		synctest.Wait()
		if n := added.Load(); n != 5 {
			t.Errorf("%d answers were taken for a client that does not read, which may have 10 messages waiting: want 5", n)
		}
		for range 5 {
			if box.Add([]byte("b")) {
				t.Error("the one that waits is the writer")
			}
		}
		failed.are(t)
		if _, err := io.ReadFull(client, make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, client) }()
		synctest.Wait()
		box.Send()
		box.Wait()
		if n := added.Load(); n != 20 {
			t.Errorf("%d of 20 answers were taken for a client that reads", n)
		}
		failed.are(t)
		box.Close()
		box.Ready() // there is nobody to wait for
		box.AddLater([]byte("c"))
	})
}

// Stream comes after what was queued before and before what is queued after, with nothing in between.
func TestStream(t *testing.T) {
	t.Parallel()
	for name, connect := range map[string]func(testing.TB) (net.Conn, net.Conn){"socket": sockets, "pipe": pipe} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := connect(t)
			var box sendqueue.Queue
			box.Init(&wide, server, func(err error) { t.Error(err) })
			box.AddLater([]byte("before ")) // nobody has sent it yet
			const want = "before one two end after"
			got, read := make([]byte, len(want)), make(chan error, 1)
			go func() {
				_, err := io.ReadFull(client, got)
				read <- err
			}()
			body, more := io.Pipe()
			streamed := make(chan error, 1)
			go func() { streamed <- box.Stream(body, []byte(" end")) }()
			if _, err := io.WriteString(more, "one "); err != nil { // it is read, so the stream has begun
				t.Fatal(err)
			}
			if box.Add([]byte(" after")) {
				t.Error("who adds during a stream became the writer")
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

// A stream that breaks off ends the outbox: the client could not tell where the next message begins.
func TestStreamBreaks(t *testing.T) {
	t.Parallel()
	server, client := sockets(t)
	var box sendqueue.Queue
	box.Init(&wide, server, func(err error) { t.Error(err) })
	broken := errors.New("the disk is broken")
	if err := box.Stream(io.MultiReader(strings.NewReader("a"), iotest.ErrReader(broken)), []byte("end")); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if box.Add([]byte("b")) {
		t.Error("the outbox takes messages after a broken stream")
	}
	if err := box.Stream(strings.NewReader("c"), nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("another stream: %v", err)
	}
	_ = server.Close()
	if got, err := io.ReadAll(client); err != nil || string(got) != "a" {
		t.Errorf("the client reads %q, %v", got, err)
	}
}

// After Close nothing goes out, and a connection that the client has closed is no failure to tell of.
func TestClosed(t *testing.T) {
	t.Parallel()
	server, client := sockets(t)
	var box sendqueue.Queue
	box.Init(&wide, server, func(err error) { t.Error(err) })
	box.AddLater([]byte("a"))
	box.Close()
	box.Send()
	if box.Add([]byte("b")) {
		t.Error("a closed outbox takes messages")
	}
	box.Wait()
	_ = server.Close()
	if got, err := io.ReadAll(client); err != nil || len(got) > 0 {
		t.Errorf("the client reads %q, %v", got, err)
	}
	var gone sendqueue.Queue
	gone.Init(&wide, server, func(err error) { t.Error(err) })
	if gone.Add([]byte("c")) {
		gone.FlushWait()
	}
	gone.Wait()
}

func BenchmarkAdd(b *testing.B) {
	server, client := sockets(b)
	var box sendqueue.Queue
	box.Init(&wide, server, func(err error) { b.Error(err) })
	go func() { _, _ = io.Copy(io.Discard, client) }()
	message, tail := make([]byte, 100), []byte("\r\n")
	b.ReportAllocs()
	for b.Loop() {
		if box.Add(message, tail) {
			box.FlushWait()
		}
	}
	b.StopTimer()
	_ = server.Close()
}

// What is queued goes out before the last message, nothing after it, and whoever waits is told.
func TestEnd(t *testing.T) {
	t.Parallel()
	for name, connect := range map[string]func(testing.TB) (net.Conn, net.Conn){"socket": sockets, "pipe": pipe} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := connect(t)
			var box sendqueue.Queue
			box.Init(&wide, server, func(err error) { t.Error(err) })
			box.AddLater([]byte("before "))
			if !box.End([]byte("last")) {
				t.Fatal("nobody is to write the last message")
			}
			if box.Add([]byte("after")) {
				t.Error("a message after the last one is taken")
			}
			box.AddLater([]byte("after"))
			go func() {
				box.FlushWait()
				_ = server.Close()
			}()
			if got, err := io.ReadAll(client); err != nil || string(got) != "before last" {
				t.Errorf("the client reads %q, %v", got, err)
			}
			box.Wait()
			box.Close()
			if box.End([]byte("x")) {
				t.Error("a closed outbox has something to write")
			}
		})
	}
}

// After a failure the last message follows what is being written, in place of what waited.
func TestEndOfFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := pipe(t)
		var box sendqueue.Queue
		config := sendqueue.Config{MaxMessages: 3, MaxBytes: 1 << 20, WriteTimeout: time.Minute}
		var failures int
		box.Init(&config, server, func(error) {
			if failures++; box.End([]byte("last")) {
				t.Error("two are to write")
			}
		})
		for range 10 {
			if box.Add([]byte("message ")) {
				box.Flush()
			}
			synctest.Wait()
		}
		go func() {
			box.Wait()
			_ = server.Close()
		}()
		if got, err := io.ReadAll(client); err != nil || string(got) != "message last" || failures != 1 {
			t.Errorf("the client reads %q, %v, after %d failures", got, err, failures)
		}
	})
}

// Who finds the queue full reports it, although somebody else is about to write; nobody then waits for ever.
func TestFullBeforeTheFlush(t *testing.T) {
	t.Parallel()
	server, _ := pipe(t)
	var box sendqueue.Queue
	var failed failures
	config := sendqueue.Config{MaxMessages: 2, MaxBytes: 1 << 20, WriteTimeout: time.Minute}
	box.Init(&config, server, failed.of(server))
	writers := 0
	for range 3 {
		if box.Add([]byte("x")) {
			writers++
		}
	}
	failed.are(t)
	for range writers {
		box.Flush()
	}
	failed.are(t, sendqueue.ErrFull)
	box.Wait()
}
