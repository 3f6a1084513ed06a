//go:build hostile

package attack_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/websocket"
)

// each does something for n clients, a few at a time, and returns the errors.
func each(n int, do func(i int) error) error {
	errs := make([]error, n)
	var group sync.WaitGroup
	next := make(chan int)
	for range 32 {
		group.Go(func() {
			for i := range next {
				errs[i] = do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
	return errors.Join(errs...)
}

// Frames that have broken servers: each is answered with a code, and no other client notices.
func TestWebSocketFramesThatHaveBrokenServers(t *testing.T) {
	leaks := testkit.CheckLeaks(t)
	s := newWSTarget(t, websocket.Config{})
	wellBehaved := s.wellBehavedWS(t)
	secure := s.DialHTTPS("http/1.1")
	for _, test := range []struct {
		name, frame string
		want        int
	}{
		{"a length below zero", "\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04", 1002},
		{"the length -1", "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04", 1002},
		{"the longest length", "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04", 1009},
		{"a ping with a length below zero", "\x89\xff\x80\x00\x00\x00\x00\x00\x00\x01\x01\x02\x03\x04", 1002},
		{"no mask", "\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00", 1002},
		{"invalid UTF-8", testkit.Text("\xff"), 1007},
	} {
		err := each(20, func(i int) error {
			c, err := frames([]dialer{s.DialHTTP, secure}[i%2], "")
			if err != nil {
				return err
			}
			defer c.Close()
			if err := c.Send(test.frame); err != nil {
				return err
			}
			if code, err := c.CloseCode(); err != nil || code != test.want {
				return fmt.Errorf("%s is answered with code %d, %w", test.name, code, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	wellBehaved()
	s.Stop()
	leaks()
}

// zeros is n MiB of zeros, compressed: blocks that refer to nothing before them can be repeated.
func zeros(t *testing.T, n int) string {
	t.Helper()
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(make([]byte, 1<<20))
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.Repeat(packed.String(), n), "\x00\x00\xff\xff")
}

// Small messages that would inflate to 256 MiB are refused one by one, and take no memory.
func TestWebSocketBombs(t *testing.T) {
	leaks := testkit.CheckLeaks(t)
	s := newWSTarget(t, websocket.Config{Compress: true, MaxMessageBytes: 1 << 20})
	bomb := testkit.Frame(testkit.Fin|testkit.RSV1|testkit.TextFrame, zeros(t, 256))
	if len(bomb) > 1<<20 || len(bomb) < 100<<10 {
		t.Fatalf("the bomb has %d bytes", len(bomb))
	}
	wellBehaved := s.wellBehavedWS(t)
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	most := make(chan uint64, 1)
	stopLooking := make(chan struct{})
	go func() {
		var peak uint64
		for {
			runtime.ReadMemStats(&now)
			peak = max(peak, now.Sys-now.HeapReleased)
			select {
			case <-stopLooking:
				most <- peak
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	err := each(10, func(int) error {
		c, err := frames(s.DialHTTP, "Sec-WebSocket-Extensions: permessage-deflate\r\n")
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.Send(bomb); err != nil {
			return err
		}
		if code, err := c.CloseCode(); err != nil || code != 1009 {
			return fmt.Errorf("it is answered with code %d, %w", code, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	close(stopLooking)
	grown := int64(<-most) - int64(before.Sys-before.HeapReleased)
	t.Logf("10 bombs of %d KiB took %d KiB of memory at most", len(bomb)>>10, grown>>10)
	if grown > 64<<20 {
		t.Errorf("10 bombs took %d MiB of memory", grown>>20)
	}
	wellBehaved()
	s.Stop()
	leaks()
}

// TestWebSocketMemberThatDoesNotRead has a busy room of 1,000 with a member that reads nothing: the server closes it, and
// the others wait at most twice as long as without it. A busy machine gets five attempts to show that.
func TestWebSocketMemberThatDoesNotRead(t *testing.T) {
	leaks := testkit.CheckLeaks(t)
	s := newWSTarget(t, websocket.Config{PingInterval: time.Hour, MaxQueued: 64})
	for attempt := 1; ; attempt++ {
		without := s.talk(t, 1000, false)
		with := s.talk(t, 1000, true)
		t.Logf("p99 of a delivery: %v, and %v with a member that does not read", without, with)
		if closed := s.Log.With("reason", "does not read"); len(closed) != attempt {
			t.Errorf("the log has %v: want that %d clients do not read", closed, attempt)
		}
		if with <= 2*without {
			break
		}
		if attempt == 5 {
			t.Errorf("p99 of a delivery is %v with a member that does not read, %v without it", with, without)
			break
		}
	}
	s.Stop()
	leaks()
}

// dialSmall connects a client for which the system keeps as little as it can.
func (s *target) dialSmall() (net.Conn, error) {
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		return errors.Join(raw.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 2<<10) }), err)
	}}
	return dialer.Dial("tcp", s.Web.Addr().String())
}

// talk says 100 messages a second, as far as the machine can, to a room with so many members, and returns the 99th
// percentile of the time from a message's turn to its delivery.
func (s *target) talk(t *testing.T, members int, stuck bool) time.Duration {
	t.Helper()
	const messages = 400
	clients := make([]*testkit.Frames, members)
	if err := each(members, func(i int) (err error) {
		dial := s.DialHTTP
		if stuck && i == 0 {
			dial = s.dialSmall
		}
		clients[i], err = frames(dial, "")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	listening := clients
	if stuck {
		listening = clients[1:]
	}
	delays := make([][]time.Duration, len(listening))
	errs := make([]error, len(listening))
	var group sync.WaitGroup
	begun, load := time.Now(), testkit.StartContention()
	for i, c := range listening {
		group.Go(func() {
			for range messages {
				got, err := c.Message()
				if err != nil {
					errs[i] = err
					return
				}
				at, _, _ := strings.Cut(strings.TrimPrefix(got, `{"message":"`), " ")
				due, err := strconv.ParseInt(at, 10, 64)
				delays[i] = append(delays[i], time.Since(begun)-time.Duration(due))
				errs[i] = errors.Join(errs[i], err)
			}
		})
	}
	padding := strings.Repeat("x", 1000)
	turn := time.NewTicker(10 * time.Millisecond)
	defer turn.Stop()
	for range messages {
		now := time.Since(begun)
		if err := s.API.Rooms.Broadcast(t.Context(), "defaultRoom", fmt.Sprintf("%d %s", now, padding)); err != nil {
			t.Fatal(err)
		}
		<-turn.C
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Errorf("members that read are hurt: %v", err)
	}
	for _, c := range clients {
		_ = c.Close()
	}
	if !testkit.Within(3*testkit.Wait, func() bool { return s.WebSocket.Clients() == 0 }) {
		t.Errorf("%d clients are still there", s.WebSocket.Clients())
	}
	slowdown := load.Slowdown()
	all := slices.Concat(delays...)
	slices.Sort(all)
	return time.Duration(float64(all[len(all)*99/100]) / slowdown)
}

// live returns how many bytes are in use, without what pools keep for a while.
func live() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestWebSocketComingAndGoing has 1,000 clients connect, join, say something and drop, fifty times: nothing of them is left.
func TestWebSocketComingAndGoing(t *testing.T) {
	leaks := testkit.CheckLeaks(t)
	s := newWSTarget(t, websocket.Config{})
	before := live()
	for round := range 50 {
		err := each(1000, func(i int) error {
			c, err := frames(s.DialHTTP, "")
			if err != nil {
				return err
			}
			defer c.Close()
			room := fmt.Sprint("room", i%100)
			if err := call(c, `{"event":"roomChange","room":"`+room+`"}`, `"room":"`+room+`"`); err != nil {
				return err
			}
			if err := call(c, `{"event":"say","message":"hello"}`, `"status":"OK"`); err != nil || i%2 == 0 {
				return err
			}
			return c.Send(testkit.Frame(testkit.Fin|testkit.CloseFrame, ""))
		})
		if err != nil {
			t.Fatal(err)
		}
		if !testkit.Within(3*testkit.Wait, func() bool { return s.WebSocket.Clients() == 0 }) {
			t.Fatalf("round %d: %d clients are still there", round, s.WebSocket.Clients())
		}
		for i := range 100 {
			status, err := s.API.Rooms.Status(t.Context(), fmt.Sprint("room", i))
			if err != nil || status.MembersCount != 0 {
				t.Fatalf("round %d: room%d has %+v, %v", round, i, status, err)
			}
		}
	}
	after := before
	back := func() bool {
		after = live()
		return after < before+2<<20
	}
	if !testkit.Within(3*testkit.Wait, back) {
		t.Errorf("50 rounds have left %d KiB", (after-before)>>10)
	}
	t.Logf("live memory: %d KiB before, %d KiB after", before>>10, after>>10)
	s.Stop()
	leaks()
}

// TestWebSocketAllCutAndBack cuts 1,000 clients at once, ten times: all are back within five seconds.
func TestWebSocketAllCutAndBack(t *testing.T) {
	leaks := testkit.CheckLeaks(t)
	s := newWSTarget(t, websocket.Config{})
	clients := make([]*testkit.Frames, 1000)
	connect := func(i int) (err error) {
		clients[i], err = frames(s.DialHTTP, "")
		return err
	}
	if err := each(len(clients), connect); err != nil {
		t.Fatal(err)
	}
	var longest time.Duration
	load := testkit.StartContention()
	for range 10 {
		begun := time.Now()
		for _, c := range clients {
			_ = c.Conn.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}
		if err := each(len(clients), connect); err != nil {
			t.Fatal(err)
		}
		longest = max(longest, time.Since(begun))
	}
	t.Logf("the last was back after %v", longest)
	if longest > load.Stretch(5*time.Second) {
		t.Errorf("the last was back after %v", longest)
	}
	if !testkit.Within(3*testkit.Wait, func() bool { return s.WebSocket.Clients() == len(clients) }) {
		t.Errorf("there are %d clients", s.WebSocket.Clients())
	}
	for _, c := range clients {
		_ = c.Close()
	}
	s.Stop()
	leaks()
}
