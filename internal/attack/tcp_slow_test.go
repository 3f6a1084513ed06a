//go:build hostile

package attack_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
)

// The tests of this file use the default limits. They are not parallel, so that goroutines and files can be counted.

func TestTCPSlowSendersAreGone(t *testing.T) {
	leaks := testkit.CheckLeaks(t)
	s := newTarget(t, nil)
	wellBehaved := s.wellBehavedTCP(t)
	tlsPort := below(s.TCPTLSAddr())
	testkit.Storm(t, goneWithin, []testkit.Kind{
		{Name: "line", Dial: s.DialTCP, Open: "s", Drip: "ay something "},
		{Name: "line of an object", Dial: s.DialTCP, Open: `{"action":"randomNumber","params":{"`, Drip: "a"},
		{Name: "line after a whole one", Dial: s.DialTCP, Open: "randomNumber\r\nrandom", Drip: "N"},
		{Name: "line begun and left", Dial: s.DialTCP, Open: "random"},
		{Name: "line over TLS", Dial: s.DialTCPOverTLS, Open: "s", Drip: "ay something "},
		{Name: "TLS hello", Dial: tlsPort, Open: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", Drip: "\x00"},
		{Name: "no TLS hello", Dial: tlsPort},
		{Name: "no TLS at all", Dial: tlsPort, Open: "randomNumber\r\n"},
		{Name: "half-closed", Dial: s.DialTCP, HalfClose: true},
		{Name: "half-closed in a line", Dial: s.DialTCP, Open: "rand", HalfClose: true},
		{Name: "half-closed after a line", Dial: s.DialTCP, Open: "randomNumber\r\nroomView\r\n", HalfClose: true},
		{Name: "half-closed over TLS", Dial: s.DialTCPOverTLS, Open: "rand", HalfClose: true},
	})
	wellBehaved()
	s.Stop()
	leaks()
}

func TestTCPClientsThatDoNotReadAreGone(t *testing.T) {
	leaks := testkit.CheckLeaks(t)
	s := newTarget(t, nil, large, medium)
	wellBehaved := s.wellBehavedTCP(t)
	files := `{"action":"file","params":{"fileName":"big.bin"}}` + "\r\n"
	testkit.Storm(t, goneWithin, []testkit.Kind{
		{Name: "small answers", Dial: s.DialTCP, Open: strings.Repeat("medium\r\n", 500), Unread: true},
		{Name: "large answers", Dial: s.DialTCP, Open: strings.Repeat("large\r\n", 50), Unread: true},
		{Name: "files", Dial: s.DialTCP, Open: strings.Repeat(files, 100), Unread: true},
		{Name: "answers over TLS", Dial: s.DialTCPOverTLS, Open: strings.Repeat("large\r\n", 50), Unread: true},
		{Name: "files over TLS", Dial: s.DialTCPOverTLS, Open: strings.Repeat(files, 100), Unread: true},
		{Name: "answers and quit", Dial: s.DialTCP, Open: strings.Repeat("large\r\n", 20) + "quit\r\n", Unread: true},
	})
	wellBehaved()
	s.Stop()
	leaks()
	if len(s.Log.With("reason", "does not read")) == 0 {
		t.Error("the log does not say that clients were closed for not reading")
	}
}

// TestTCPOpenFilesOfOneClient has one client ask for many files and read none: it may hold open one, not all.
func TestTCPOpenFilesOfOneClient(t *testing.T) {
	leaks := testkit.CheckLeaks(t)
	s := newTarget(t, nil)
	c, err := lines(s.DialTCP)
	if err != nil {
		t.Fatal(err)
	}
	other, err := lines(s.DialTCP)
	if err != nil {
		t.Fatal(err)
	}
	before := testkit.InUse()
	_ = c.Conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	if err := c.WriteText("paramAdd fileName=big.bin\r\n" + strings.Repeat("file\r\n", 100)); err != nil {
		t.Fatal(err)
	}
	opened, most := false, 0
	gone := testkit.Within(goneWithin+testkit.Grace, func() bool {
		held := testkit.InUse().Files - before.Files
		opened, most = opened || held > 0, max(most, held)
		return opened && held < 0 // the connection is closed, and the file with it
	})
	if !gone || most > 2 {
		t.Errorf("100 requests for files held %d files open, want one; closed in the end: %v", most, gone)
	}
	if _, err := other.Call("randomNumber"); err != nil {
		t.Error(err)
	}
	_, _ = c.Close(), other.Close()
	s.Stop()
	leaks()
}

// TestTCPMemberThatDoesNotRead has a busy room with a member that reads nothing. It is closed, the log says why, and the
// others get every message in order.
func TestTCPMemberThatDoesNotRead(t *testing.T) {
	leaks := testkit.CheckLeaks(t)
	s := newTarget(t, nil)
	stuck := make([]*testkit.Lines, 0, 4)
	for _, dial := range []dialer{s.DialTCP, s.DialTCPOverTLS, s.DialTCP, s.DialTCPOverTLS} {
		c, err := lines(dial)
		if err != nil {
			t.Fatal(err)
		}
		stuck = append(stuck, c)
	}
	const members, messages = 5, 3000
	text := strings.Repeat("x", 4<<10)
	var listeners []*testkit.Lines
	failures := make(chan error, members)
	for i := range members {
		c, err := lines([]dialer{s.DialTCP, s.DialTCPOverTLS}[i%2])
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, c)
		go func() {
			for n := range messages {
				line, err := c.Line()
				if want := fmt.Sprintf(`{"message":"%d %s"`, n, text); err != nil || !strings.HasPrefix(line, want) {
					failures <- fmt.Errorf("message %d is %.60q, %w", n, line, err)
					return
				}
			}
			failures <- nil
		}()
	}
	wellBehaved := s.wellBehavedTCP(t)
	longest, load := time.Duration(0), testkit.StartContention()
	for n := range messages {
		start := time.Now()
		if err := s.API.Rooms.Broadcast(t.Context(), "defaultRoom", fmt.Sprintf("%d %s", n, text)); err != nil {
			t.Fatal(err)
		}
		longest = max(longest, time.Since(start))
		if n%50 == 0 { // the others read as fast as they can, but their queues are bounded as well
			<-time.After(10 * time.Millisecond)
		}
	}
	for range members {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
	t.Logf("the longest broadcast took %v", longest)
	if longest > load.Stretch(time.Second) {
		t.Errorf("a broadcast took %v: the publisher waits for a member that does not read", longest)
	}
	closed := func() bool { return len(s.Log.With("reason", "does not read")) == len(stuck) }
	if !testkit.Within(goneWithin+testkit.Grace, closed) {
		t.Errorf("the log has %v: want that %d clients that do not read were closed", s.Log.With("reason", ""), len(stuck))
	}
	wellBehaved()
	for _, c := range append(stuck, listeners...) {
		_ = c.Close()
	}
	s.Stop()
	leaks()
}
