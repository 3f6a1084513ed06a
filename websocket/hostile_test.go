//go:build hostile

package websocket_test

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

	"github.com/actionhero-go/actionhero/internal/hostile"
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

// Frames that have broken servers: each is answered with a code, and nobody else notices.
func TestFramesThatHaveBrokenServers(t *testing.T) {
	leaks := hostile.CheckLeaks(t)
	v, stop := newVictim(t, websocket.Config{})
	innocent := v.innocent(t)
	for attack, want := range map[string]int{
		"\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04": 1002,
		"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04": 1002,
		"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04": 1009,
		"\x89\xff\x80\x00\x00\x00\x00\x00\x00\x01\x01\x02\x03\x04": 1002,
		"\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00":                 1002,
		frame(fin|text, "\xff"):                                    1007,
	} {
		err := each(20, func(i int) error {
			c, err := v.client([]func() (net.Conn, error){v.dial, v.dialTLS}[i%2], "")
			if err != nil {
				return err
			}
			defer c.Close()
			if err := c.send(attack); err != nil {
				return err
			}
			if code, err := c.end(); err != nil || code != want {
				return fmt.Errorf("%x is answered with code %d, %w", attack, code, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	innocent()
	stop()
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
func TestBombs(t *testing.T) {
	leaks := hostile.CheckLeaks(t)
	v, stop := newVictim(t, websocket.Config{Compress: true, MaxMessageBytes: 1 << 20})
	bomb := frame(fin|rsv1|text, zeros(t, 256))
	if len(bomb) > 1<<20 || len(bomb) < 100<<10 {
		t.Fatalf("the bomb has %d bytes", len(bomb))
	}
	innocent := v.innocent(t)
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
		c, err := v.client(v.dial, "Sec-WebSocket-Extensions: permessage-deflate\r\n")
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.send(bomb); err != nil {
			return err
		}
		if code, err := c.end(); err != nil || code != 1009 {
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
	innocent()
	stop()
	leaks()
}

// TestMemberThatDoesNotRead has a busy room of 1,000 with a member that reads nothing: it is cut off, and the others
// wait hardly longer than without it. A machine that has other things to do gets three chances to show that.
func TestMemberThatDoesNotRead(t *testing.T) {
	leaks := hostile.CheckLeaks(t)
	v, stop := newVictim(t, websocket.Config{PingInterval: time.Hour, MaxQueued: 64})
	for chance := 1; ; chance++ {
		without := v.talk(t, 1000, false)
		with := v.talk(t, 1000, true)
		t.Logf("p99 of a delivery: %v, and %v with a member that does not read", without, with)
		if closed := v.log.Having("reason", "does not read"); len(closed) != chance {
			t.Errorf("the log has %v: want that %d clients do not read", closed, chance)
		}
		if with <= 2*without {
			break
		}
		if chance == 3 {
			t.Errorf("p99 of a delivery is %v with a member that does not read, %v without it", with, without)
			break
		}
	}
	stop()
	leaks()
}

// dialSmall connects a client for which the system keeps as little as it can.
func (v *victim) dialSmall() (net.Conn, error) {
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		return errors.Join(raw.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 2<<10) }), err)
	}}
	return dialer.Dial("tcp", v.web.Addr().String())
}

// talk says 100 messages a second, as far as the machine can, to a room with so many members, and returns the 99th
// percentile of the time from a message's turn to its delivery.
func (v *victim) talk(t *testing.T, members int, deaf bool) time.Duration {
	t.Helper()
	const messages = 400
	clients := make([]*rawClient, members)
	if err := each(members, func(i int) (err error) {
		dial := v.dial
		if deaf && i == 0 {
			dial = v.dialSmall
		}
		clients[i], err = v.client(dial, "")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	listening := clients
	if deaf {
		listening = clients[1:]
	}
	delays := make([][]time.Duration, len(listening))
	errs := make([]error, len(listening))
	var group sync.WaitGroup
	begun := time.Now()
	for i, c := range listening {
		group.Go(func() {
			for range messages {
				got, err := c.message()
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
	for range messages {
		now := time.Since(begun)
		if err := v.api.Rooms.Broadcast(t.Context(), "defaultRoom", fmt.Sprintf("%d %s", now, padding)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(max(0, 10*time.Millisecond-(time.Since(begun)-now)))
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Errorf("members that read are hurt: %v", err)
	}
	for _, c := range clients {
		_ = c.Close()
	}
	if !hostile.Eventually(patience, func() bool { return v.Clients() == 0 }) {
		t.Errorf("%d clients are still there", v.Clients())
	}
	all := slices.Concat(delays...)
	slices.Sort(all)
	return all[len(all)*99/100]
}

// live returns how many bytes are in use, without what pools keep for a while.
func live() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestComingAndGoing has 1,000 clients connect, join, say something and drop, fifty times: nothing of them is left.
func TestComingAndGoing(t *testing.T) {
	leaks := hostile.CheckLeaks(t)
	v, stop := newVictim(t, websocket.Config{})
	before := live()
	for round := range 50 {
		err := each(1000, func(i int) error {
			c, err := v.client(v.dial, "")
			if err != nil {
				return err
			}
			defer c.Close()
			room := fmt.Sprint("room", i%100)
			if err := c.call(`{"event":"roomChange","room":"`+room+`"}`, `"room":"`+room+`"`); err != nil {
				return err
			}
			if err := c.call(`{"event":"say","message":"hello"}`, `"status":"OK"`); err != nil || i%2 == 0 {
				return err
			}
			return c.send(frame(fin|closing, ""))
		})
		if err != nil {
			t.Fatal(err)
		}
		if !hostile.Eventually(patience, func() bool { return v.Clients() == 0 }) {
			t.Fatalf("round %d: %d clients are still there", round, v.Clients())
		}
		for i := range 100 {
			status, err := v.api.Rooms.Status(t.Context(), fmt.Sprint("room", i))
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
	if !hostile.Eventually(patience, back) {
		t.Errorf("50 rounds have left %d KiB", (after-before)>>10)
	}
	t.Logf("live memory: %d KiB before, %d KiB after", before>>10, after>>10)
	stop()
	leaks()
}

// TestAllCutAndBack cuts 1,000 clients at once, ten times: all are back within five seconds.
func TestAllCutAndBack(t *testing.T) {
	leaks := hostile.CheckLeaks(t)
	v, stop := newVictim(t, websocket.Config{})
	clients := make([]*rawClient, 1000)
	connect := func(i int) (err error) {
		clients[i], err = v.client(v.dial, "")
		return err
	}
	if err := each(len(clients), connect); err != nil {
		t.Fatal(err)
	}
	var longest time.Duration
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
	if longest > 5*time.Second {
		t.Errorf("the last was back after %v", longest)
	}
	if !hostile.Eventually(patience, func() bool { return v.Clients() == len(clients) }) {
		t.Errorf("there are %d clients", v.Clients())
	}
	for _, c := range clients {
		_ = c.Close()
	}
	stop()
	leaks()
}
