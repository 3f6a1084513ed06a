//go:build hostile

package tcp_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/hostile"
)

// goneWithin is how soon a client that keeps the server waiting must be gone.
const goneWithin = 15 * time.Second

// The tests of this file use the default limits. They are not parallel, so that goroutines and files can be counted.

func TestSlowSendersAreGone(t *testing.T) {
	leaks := hostile.CheckLeaks(t)
	v, stop := newVictim(t, nil)
	innocent := v.innocent(t)
	hostile.Storm(t, goneWithin, []hostile.Kind{
		{Name: "line", Dial: v.dial, Open: "s", Drip: "ay something "},
		{Name: "line of an object", Dial: v.dial, Open: `{"action":"randomNumber","params":{"`, Drip: "a"},
		{Name: "line after a whole one", Dial: v.dial, Open: "randomNumber\r\nrandom", Drip: "N"},
		{Name: "line begun and left", Dial: v.dial, Open: "random"},
		{Name: "line over TLS", Dial: v.handshake, Open: "s", Drip: "ay something "},
		{Name: "TLS hello", Dial: v.dialTLS, Open: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", Drip: "\x00"},
		{Name: "no TLS hello", Dial: v.dialTLS},
		{Name: "no TLS at all", Dial: v.dialTLS, Open: "randomNumber\r\n"},
		{Name: "half-closed", Dial: v.dial, HalfClose: true},
		{Name: "half-closed in a line", Dial: v.dial, Open: "rand", HalfClose: true},
		{Name: "half-closed after a line", Dial: v.dial, Open: "randomNumber\r\nroomView\r\n", HalfClose: true},
		{Name: "half-closed over TLS", Dial: v.handshake, Open: "rand", HalfClose: true},
	})
	innocent()
	stop()
	leaks()
}

// Actions whose answers fill the queues of a client: one with each answer, one after a while.
var large, medium = answers("large", 400<<10), answers("medium", 4<<10)

func answers(name string, n int) actionhero.Part {
	text := strings.Repeat("x", n)
	return actionhero.Action[actionhero.None, map[string]string]{
		Name: name, Description: "Answers much",
		Run: func(context.Context, actionhero.None) (map[string]string, error) {
			return map[string]string{"text": text}, nil
		},
	}
}

func TestClientsThatDoNotReadAreGone(t *testing.T) {
	leaks := hostile.CheckLeaks(t)
	v, stop := newVictim(t, nil, large, medium)
	innocent := v.innocent(t)
	files := `{"action":"file","params":{"fileName":"big.bin"}}` + "\r\n"
	hostile.Storm(t, goneWithin, []hostile.Kind{
		{Name: "small answers", Dial: v.dial, Open: strings.Repeat("medium\r\n", 500), Unread: true},
		{Name: "large answers", Dial: v.dial, Open: strings.Repeat("large\r\n", 50), Unread: true},
		{Name: "files", Dial: v.dial, Open: strings.Repeat(files, 100), Unread: true},
		{Name: "answers over TLS", Dial: v.handshake, Open: strings.Repeat("large\r\n", 50), Unread: true},
		{Name: "files over TLS", Dial: v.handshake, Open: strings.Repeat(files, 100), Unread: true},
		{Name: "answers and quit", Dial: v.dial, Open: strings.Repeat("large\r\n", 20) + "quit\r\n", Unread: true},
	})
	innocent()
	stop()
	leaks()
	if len(v.log.Having("reason", "does not read")) == 0 {
		t.Error("the log does not say that clients were closed for not reading")
	}
}

// TestOpenFilesOfOneClient has one client ask for many files and read none: it may hold open one, not all.
func TestOpenFilesOfOneClient(t *testing.T) {
	leaks := hostile.CheckLeaks(t)
	v, stop := newVictim(t, nil)
	c, err := v.client(v.dial)
	if err != nil {
		t.Fatal(err)
	}
	innocent, err := v.client(v.dial)
	if err != nil {
		t.Fatal(err)
	}
	before := hostile.Now()
	_ = c.Conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	if err := c.send("paramAdd fileName=big.bin\r\n" + strings.Repeat("file\r\n", 100)); err != nil {
		t.Fatal(err)
	}
	opened, most := false, 0
	gone := hostile.Eventually(goneWithin, func() bool {
		held := hostile.Now().Files - before.Files
		opened, most = opened || held > 0, max(most, held)
		return opened && held < 0 // the connection is closed, and the file with it
	})
	if !gone || most > 2 {
		t.Errorf("100 requests for files held %d files open, want one; closed in the end: %v", most, gone)
	}
	if _, err := innocent.call("randomNumber"); err != nil {
		t.Error(err)
	}
	_, _ = c.Close(), innocent.Close()
	stop()
	leaks()
}

// TestMemberThatDoesNotRead has a busy room with a member that reads nothing. It is closed, the log says why, and the
// others get every message in order.
func TestMemberThatDoesNotRead(t *testing.T) {
	leaks := hostile.CheckLeaks(t)
	v, stop := newVictim(t, nil)
	deafs := make([]*client, 0, 4)
	for _, dial := range []func() (net.Conn, error){v.dial, v.handshake, v.dial, v.handshake} {
		deaf, err := v.client(dial)
		if err != nil {
			t.Fatal(err)
		}
		deafs = append(deafs, deaf)
	}
	const members, messages = 5, 3000
	text := strings.Repeat("x", 4<<10)
	var listeners []*client
	failures := make(chan error, members)
	for i := range members {
		c, err := v.client([]func() (net.Conn, error){v.dial, v.handshake}[i%2])
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, c)
		go func() {
			for n := range messages {
				line, err := c.line()
				if want := fmt.Sprintf(`{"message":"%d %s"`, n, text); err != nil || !strings.HasPrefix(line, want) {
					failures <- fmt.Errorf("message %d is %.60q, %w", n, line, err)
					return
				}
			}
			failures <- nil
		}()
	}
	innocent := v.innocent(t)
	longest := time.Duration(0)
	for n := range messages {
		start := time.Now()
		if err := v.api.Rooms.Broadcast(t.Context(), "defaultRoom", fmt.Sprintf("%d %s", n, text)); err != nil {
			t.Fatal(err)
		}
		longest = max(longest, time.Since(start))
		if n%50 == 0 { // the others read as fast as they can, but their queues are bounded as well
			_ = hostile.Eventually(10*time.Millisecond, func() bool { return false })
		}
	}
	for range members {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
	t.Logf("the longest broadcast took %v", longest)
	if longest > time.Second {
		t.Errorf("a broadcast took %v: the publisher waits for a member that does not read", longest)
	}
	closed := func() bool { return len(v.log.Having("reason", "does not read")) == len(deafs) }
	if !hostile.Eventually(goneWithin, closed) {
		t.Errorf("the log has %v: want that %d clients that do not read were closed", v.log.Having("reason", ""), len(deafs))
	}
	innocent()
	for _, c := range append(deafs, listeners...) {
		_ = c.Close()
	}
	stop()
	leaks()
}
