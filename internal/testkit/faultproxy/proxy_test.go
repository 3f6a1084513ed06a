package faultproxy_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

// newServer starts a server that answers each command "*1 $n WORD" with the number of the command, and each line with
// itself. It returns its address and the number of commands that it has read.
func newServer(t *testing.T) (addr string, read *atomic.Int32) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	read = new(atomic.Int32)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for {
					line, err := r.ReadString('\n')
					if err != nil {
						return
					}
					if !strings.HasPrefix(line, "*") {
						_, _ = io.WriteString(conn, line)
						continue
					}
					_, _ = r.ReadString('\n')
					word, err := r.ReadString('\n')
					if err != nil {
						return
					}
					read.Add(1)
					if word == "PUSH\r\n" {
						_, _ = io.WriteString(conn, ">2\r\n$4\r\nnews\r\n%1\r\n+a\r\n:1\r\n")
					}
					_, _ = io.WriteString(conn, "+"+word)
				}
			}()
		}
	}()
	return ln.Addr().String(), read
}

type client struct {
	*testing.T
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, p *faultproxy.Proxy) *client {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &client{t, conn, bufio.NewReader(conn)}
}

func (c *client) send(word string) {
	c.Helper()
	if _, err := io.WriteString(c.Conn, "*1\r\n$"+string(rune('0'+len(word)))+"\r\n"+word+"\r\n"); err != nil {
		c.Fatal(err)
	}
}

// answer returns the next line, or the error, within the limit.
func (c *client) answer(limit time.Duration) (string, error) {
	_ = c.SetReadDeadline(time.Now().Add(limit))
	line, err := c.r.ReadString('\n')
	return strings.TrimSpace(line), err
}

func (c *client) want(want string) {
	c.Helper()
	if got, err := c.answer(testkit.Wait); got != want || err != nil {
		c.Fatalf("the client reads %q, %v, want %q", got, err, want)
	}
}

func (c *client) wantEnd() {
	c.Helper()
	if got, err := c.answer(testkit.Wait); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		c.Fatalf("the client reads %q, %v, want the end of the connection", got, err)
	}
}

func (c *client) wantSilence() {
	c.Helper()
	if got, err := c.answer(50 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.Fatalf("the client reads %q, %v, want nothing", got, err)
	}
}

func TestCutClosesAllConnectionsUntilHeal(t *testing.T) {
	t.Parallel()
	addr, _ := newServer(t)
	p := faultproxy.Start(t, addr)
	c := dial(t, p)
	c.send("A")
	c.want("+A")
	p.Cut()
	c.wantEnd()
	dial(t, p).wantEnd()
	p.Heal()
	c = dial(t, p)
	c.send("B")
	c.want("+B")
	p.CloseAll()
	c.wantEnd()
	testkit.Eventually(t, "no link is left", func() bool { return p.Links() == 0 })
}

func TestFrozenDataArrivesAfterHeal(t *testing.T) {
	t.Parallel()
	addr, read := newServer(t)
	p := faultproxy.Start(t, addr)
	c := dial(t, p)
	c.send("A")
	c.want("+A")
	p.Freeze()
	p.Freeze()
	c.send("B")
	c.wantSilence()
	late := dial(t, p)
	late.send("C")
	late.wantSilence()
	if n := read.Load(); n != 1 {
		t.Errorf("the server has read %d commands while all is frozen, want 1", n)
	}
	p.Heal()
	c.want("+B")
	late.want("+C")
}

func TestDelayHoldsEachFrame(t *testing.T) {
	t.Parallel()
	addr, _ := newServer(t)
	p := faultproxy.Start(t, addr)
	c := dial(t, p)
	p.Delay(20 * time.Millisecond)
	begin := time.Now()
	c.send("A")
	c.want("+A")
	if took := time.Since(begin); took < 40*time.Millisecond {
		t.Errorf("a command and its answer, 20 ms late each, took %v", took)
	}
}

func TestFaultsHitTheChosenCommand(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault faultproxy.Fault
		reads int32 // the commands that the server has read in the end
		ends  bool
	}{
		"request lost": {faultproxy.LoseRequest, 2, true},
		"answer lost":  {faultproxy.LoseAnswer, 3, true},
		"silence":      {faultproxy.Silence, 3, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr, read := newServer(t)
			p := faultproxy.Start(t, addr)
			p.Fault(faultproxy.Nth(2, test.fault, func(command []string) bool { return command[0] == "B" }))
			c := dial(t, p)
			for _, word := range []string{"A", "B"} {
				c.send(word)
				c.want("+" + word)
			}
			c.send("B")
			if test.ends {
				c.wantEnd()
			} else {
				c.wantSilence()
			}
			testkit.Eventually(t, "the server has read the commands", func() bool { return read.Load() == test.reads })
			c = dial(t, p)
			c.send("B")
			c.want("+B")
		})
	}
}

func TestPushFramesAreNoAnswers(t *testing.T) {
	t.Parallel()
	addr, _ := newServer(t)
	p := faultproxy.Start(t, addr)
	p.Fault(faultproxy.Nth(1, faultproxy.LoseAnswer, func(command []string) bool { return command[0] == "A" }))
	c := dial(t, p)
	c.send("PUSH")
	for _, line := range []string{">2", "$4", "news", "%1", "+a", ":1", "+PUSH"} {
		c.want(line)
	}
	c.send("A")
	c.wantEnd()
}

func TestOtherProtocolsPassThrough(t *testing.T) {
	t.Parallel()
	addr, _ := newServer(t)
	p := faultproxy.Start(t, addr)
	c := dial(t, p)
	if _, err := io.WriteString(c.Conn, "hello\r\n"); err != nil {
		t.Fatal(err)
	}
	c.want("hello")
	p.Freeze()
	if _, err := io.WriteString(c.Conn, "again\r\n"); err != nil {
		t.Fatal(err)
	}
	c.wantSilence()
	p.Heal()
	c.want("again")
}
