package ws

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero/internal/sendqueue"
)

// client is the client's end of an in-memory connection, for tests in a synctest bubble.
type client struct {
	net.Conn
	t     *testing.T
	ended chan error // the error that ended the server's reader
	fails chan error // the argument of Upgrade's fail
}

func pipe(t *testing.T, options *Options) (*Conn, *client) {
	t.Helper()
	ours, theirs := net.Pipe()
	c, p := new(Conn), &client{ours, t, make(chan error, 1), make(chan error, 1)}
	c.init(theirs, nil, options, netip.Prefix{}, false, func(err error) { p.fails <- err })
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	return c, p
}

// serve reads a connection to its end, and discards the messages.
func (p *client) serve(c *Conn) {
	for {
		_, ok, err := c.Next()
		if err == nil && !ok {
			if err = c.Read(func() bool { return false }); errors.Is(err, ErrPark) {
				err = nil
			}
		}
		if err != nil {
			c.Finish(err)
			p.ended <- err
			return
		}
	}
}

func settings() *Options {
	return &Options{
		SendQueue:  sendqueue.Config{MaxMessages: 10, MaxBytes: 1 << 20, WriteTimeout: 5 * time.Second},
		MaxMessage: 1000, MessageTimeout: 15 * time.Second, PingInterval: 20 * time.Second, PongTimeout: 10 * time.Second, CloseTimeout: time.Second,
	}
}

// masked returns a frame with a mask of zeros.
func masked(first byte, payload string) []byte {
	return append([]byte{first, bitMask | byte(len(payload)), 0, 0, 0, 0}, payload...)
}

// frame reads a frame of up to 125 bytes.
func (p *client) frame() (first byte, payload string) {
	p.t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(p, head[:]); err != nil {
		p.t.Fatal(err)
	}
	b := make([]byte, head[1])
	if _, err := io.ReadFull(p, b); err != nil {
		p.t.Fatal(err)
	}
	return head[0], string(b)
}

// wantClose expects a close frame at the time after since start.
func (p *client) wantClose(start time.Time, after time.Duration, code int) {
	p.t.Helper()
	first, payload := p.frame()
	if first != bitFin|opClose || int(binary.BigEndian.Uint16([]byte(payload))) != code {
		p.t.Errorf("got frame %#x %q, want a close frame with code %d", first, payload, code)
	}
	if got := time.Since(start); got != after {
		p.t.Errorf("it comes after %v, want %v", got, after)
	}
	_ = p.Close()
	<-p.ended
}

func TestPings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, p := pipe(t, settings())
		start := time.Now()
		go p.serve(c)
		for n := 1; n <= 3; n++ { // a client that answers stays connected
			if first, payload := p.frame(); first != bitFin|opPing || payload != "" || time.Since(start) != time.Duration(n)*20*time.Second {
				t.Fatalf("after %v: got frame %#x %q, want a ping", time.Since(start), first, payload)
			}
			_, _ = p.Write(masked(bitFin|opPong, ""))
		}
		time.Sleep(15 * time.Second) // a client that sends messages is not pinged
		_, _ = p.Write(masked(bitFin|opText, "hi"))
		if first, _ := p.frame(); first != bitFin|opPing || time.Since(start) != 95*time.Second {
			t.Fatalf("after %v: got frame %#x, want a ping", time.Since(start), first)
		}
		p.wantClose(start, 105*time.Second, PolicyError) // a client that does not answer is closed
	})
}

// A client must end a message within MessageTimeout, whatever it sends meanwhile.
func TestMessageTimeout(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ open, drip []byte }{
		"half a message":    {open: masked(bitFin|opText, "abc")[:7]},
		"a byte at a time":  {open: masked(bitFin|opText, strings.Repeat("x", 100))[:6], drip: []byte("x")},
		"half a head":       {open: []byte{bitFin | opText}},
		"a fragment":        {open: masked(opText, "abc")},
		"empty fragments":   {open: masked(opText, ""), drip: masked(opContinuation, "")},
		"pings in between":  {open: masked(opText, "a"), drip: masked(bitFin|opPong, "")},
		"after another one": {open: append(masked(bitFin|opText, "whole"), bitFin|opText)},
		"half a ping":       {open: masked(bitFin|opPing, "abc")[:7]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, p := pipe(t, settings())
				start := time.Now()
				go p.serve(c)
				_, _ = p.Write(test.open)
				var dripping sync.WaitGroup
				dripping.Go(func() {
					for len(test.drip) > 0 {
						time.Sleep(time.Second - 1)
						if _, err := p.Write(test.drip); err != nil {
							return
						}
					}
				})
				p.wantClose(start, 15*time.Second, PolicyError)
				dripping.Wait()
			})
		})
	}
}

// Slow messages that end in time are accepted, and the ping after them comes at the usual time.
func TestSlowMessages(t *testing.T) {
	t.Parallel()
	for _, interval := range []time.Duration{20 * time.Second, 0} {
		synctest.Test(t, func(t *testing.T) {
			options := settings()
			options.PingInterval = interval
			c, p := pipe(t, options)
			go p.serve(c)
			for range 5 {
				for _, part := range [][]byte{masked(bitFin|opText, "abc")[:7], []byte("b"), append([]byte("c"), masked(opText, "")[0]), masked(opText, "")[1:], masked(bitFin|opContinuation, "")} {
					_, _ = p.Write(part)
					time.Sleep(6 * time.Second)
				}
			}
			if interval == 0 {
				time.Sleep(time.Hour)
				_, _ = p.Write(masked(bitFin|opPing, "still there?"))
				if first, payload := p.frame(); first != bitFin|opPong || payload != "still there?" {
					t.Errorf("got frame %#x %q", first, payload)
				}
				_ = p.Close()
				<-p.ended
				return
			}
			start := time.Now().Add(-6 * time.Second)
			if first, _ := p.frame(); first != bitFin|opPing {
				t.Errorf("got frame %#x, want a ping", first)
			}
			p.wantClose(start, 30*time.Second, PolicyError)
		})
	}
}

// A client that does not read gets a close frame after the message that is being written. If it does not read that
// either, the connection is closed.
func TestClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	frame := TextFrame([]byte(strings.Repeat("x", 100)))
	flood := func(c *Conn, n int) {
		for i := range n {
			if c.Out.Add(frame) {
				c.Out.Flush()
			}
			if i == 0 {
				<-time.After(time.Second) // the write makes no progress
			}
			synctest.Wait()
		}
	}
	t.Run("reads in time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, p := pipe(t, settings())
			go p.serve(c)
			flood(c, 100)
			if err := <-p.fails; err != sendqueue.ErrFull {
				t.Errorf("the failure is %v", err)
			}
			if _, got := p.frame(); got != string(frame[2:]) {
				t.Errorf("the message before the close frame is %q", got)
			}
			first, payload := p.frame()
			if first != bitFin|opClose || int(binary.BigEndian.Uint16([]byte(payload))) != TryAgainLater {
				t.Errorf("got frame %#x %q, want a close frame with code %d", first, payload, TryAgainLater)
			}
			<-p.ended
			if _, err := p.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("after the close frame: %v", err)
			}
		})
	})
	t.Run("never reads", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, p := pipe(t, settings())
			start := time.Now().Add(time.Second)
			go p.serve(c)
			flood(c, 100)
			<-p.fails
			<-p.ended
			if got := time.Since(start); got != time.Second {
				t.Errorf("closed after %v, want CloseTimeout", got)
			}
		})
	})
	t.Run("a few messages", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, p := pipe(t, settings())
			start := time.Now()
			go p.serve(c)
			flood(c, 2)
			if err := <-p.fails; err != sendqueue.ErrSlow {
				t.Errorf("the failure is %v", err)
			}
			<-p.ended
			if got := time.Since(start); got != 5*time.Second {
				t.Errorf("closed after %v, want WriteTimeout", got)
			}
		})
	})
}

// Close sends the reason after the queued messages. If the client does not read them, the connection is closed.
func TestClose(t *testing.T) {
	t.Parallel()
	for _, reads := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			c, p := pipe(t, settings())
			start := time.Now()
			go p.serve(c)
			c.Text([]byte(`{"a":`), []byte(`1}`))
			c.Close(PolicyError, strings.Repeat("é", 100)+"\xff")
			c.Close(GoingAway, "too late")
			c.Stop(GoingAway, "too late")
			c.Text([]byte("too late"), nil)
			c.Out.Send()
			if reads {
				if _, payload := p.frame(); payload != `{"a":1}` {
					t.Errorf("the queued message is %q", payload)
				}
				first, payload := p.frame()
				if first != bitFin|opClose || int(binary.BigEndian.Uint16([]byte(payload))) != PolicyError || payload[2:] != strings.Repeat("é", 61) {
					t.Errorf("got frame %#x %q", first, payload)
				}
			}
			<-p.ended
			if got := time.Since(start); got > time.Second || !reads && got < time.Second {
				t.Errorf("reads is %v: the connection ends after %v", reads, got)
			}
		})
	}
}

// Stop ends the reader, also one that is not reading at the time, and Finish sends the close frame.
func TestStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, p := pipe(t, settings())
		c.Stop(GoingAway, "bye")
		go p.serve(c)
		p.wantClose(time.Now(), 0, GoingAway)
	})
	synctest.Test(t, func(t *testing.T) {
		c, p := pipe(t, settings())
		go p.serve(c)
		synctest.Wait()
		c.Stop(GoingAway, "bye")
		p.wantClose(time.Now(), 0, GoingAway)
	})
}

// Read returns ErrPark if park returns true, and the next Read continues with the same deadline.
func TestPark(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, p := pipe(t, settings())
		start := time.Now()
		parked := make(chan time.Duration, 1)
		go func() {
			if err := c.Read(func() bool { return true }); err != ErrPark {
				t.Errorf("Read returns %v", err)
			}
			parked <- time.Since(start)
			p.serve(c)
		}()
		time.Sleep(5 * time.Second)
		c.Wake()
		if got := <-parked; got != 5*time.Second {
			t.Errorf("parked after %v", got)
		}
		if first, _ := p.frame(); first != bitFin|opPing || time.Since(start) != 20*time.Second {
			t.Errorf("after %v: got frame %#x, want a ping", time.Since(start), first)
		}
		_ = p.Close()
		<-p.ended
	})
}

func TestUnmask(t *testing.T) {
	t.Parallel()
	for n := range 200 {
		for offset := range 9 {
			plain, mask := make([]byte, n), [4]byte{byte(rand.Uint32()), byte(rand.Uint32()), byte(rand.Uint32()), byte(rand.Uint32())}
			wire := make([]byte, offset+n)
			for i := range plain {
				plain[i] = byte(rand.Uint32())
				wire[offset+i] = plain[i] ^ mask[i%4]
			}
			if unmask(wire[offset:], binary.LittleEndian.Uint32(mask[:])); !bytes.Equal(wire[offset:], plain) {
				t.Fatalf("%d bytes at offset %d are unmasked wrongly", n, offset)
			}
		}
	}
}

// FuzzFrames reads arbitrary bytes in parts of arbitrary sizes. The messages and the error at the end must be the same as
// when the bytes are read at once.
func FuzzFrames(f *testing.F) {
	for _, b := range [][]byte{
		nil, masked(bitFin|opText, "hello"), append(masked(opText, "a"), masked(bitFin|opContinuation, "b")...), masked(bitFin|opClose, "\x03\xe8bye"),
		append(masked(bitFin|opPing, "x"), masked(bitFin|opBinary, "\xff")...), {bitFin | opText, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, masked(bitFin|bitRSV1|opText, string(deflate(nil, []byte("hello")))),
		{bitFin | opText, 0xfe, 0xff, 0xff, 1, 2, 3, 4}, append(masked(bitFin|opText, "\xff"), 1, 2, 3),
	} {
		f.Add(b, []byte{0, 3, 255})
	}
	f.Fuzz(func(t *testing.T, text, sizes []byte) {
		whole, end := read(t, text, nil)
		parts, partsEnd := read(t, text, sizes)
		if strings.Join(whole, "|") != strings.Join(parts, "|") || end != partsEnd {
			t.Fatalf("at once: %q, %s; in parts: %q, %s", whole, end, parts, partsEnd)
		}
	})
}

// read returns the messages and the error at the end.
func read(t *testing.T, text, sizes []byte) (messages []string, end string) {
	c := new(Conn)
	options := settings()
	options.SendQueue = sendqueue.Config{MaxMessages: 1 << 30, MaxBytes: 1 << 30, WriteTimeout: time.Minute}
	c.init(&feed{text: bytes.Clone(text), sizes: sizes}, nil, options, netip.Prefix{}, true, nil)
	for {
		m, ok, err := c.Next()
		if err == nil && !ok {
			err = c.Read(func() bool { return false })
		}
		if err != nil {
			return messages, err.Error()
		}
		if ok {
			if len(m.Data) > options.MaxMessage || !m.Binary && !utf8.Valid(m.Data) {
				t.Fatalf("invalid message %q", m.Data)
			}
			messages = append(messages, string(m.Data))
		}
	}
}

// feed is a connection that reads parts of a text and discards writes.
type feed struct {
	net.Conn
	text, sizes []byte
}

func (f *feed) Read(p []byte) (int, error) {
	if len(f.text) == 0 {
		return 0, io.EOF
	}
	size := len(p)
	if len(f.sizes) > 0 {
		size = 1 + int(f.sizes[0])
		f.sizes = append(f.sizes[1:], f.sizes[0])
	}
	n := copy(p, f.text[:min(size, len(f.text))])
	f.text = f.text[n:]
	return n, nil
}

func (f *feed) Write(p []byte) (int, error)      { return len(p), nil }
func (f *feed) SetReadDeadline(time.Time) error  { return nil }
func (f *feed) SetWriteDeadline(time.Time) error { return nil }
func (f *feed) Close() error                     { return nil }
