//go:build hostile

package socketio_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/hostile"
	"github.com/actionhero-go/actionhero/socketio"
)

// goneWithin is how soon a client that keeps the server waiting must be gone.
const goneWithin = 15 * time.Second

func get(query string) string {
	return "GET /socket.io/?EIO=4&" + query + " HTTP/1.1\r\nHost: test\r\n\r\n"
}

// poll opens a session over long-polling, and returns its connection and its id.
func (s *server) poll() (*raw, string, error) {
	c, text, err := s.open(200, get("transport=polling"))
	if err != nil {
		return nil, "", err
	}
	return c, strings.SplitN(text, `"`, 5)[3], nil
}

// ask asks for an action over a connection that it keeps, or over a new one each time.
func (c *raw) ask() error {
	if _, err := io.WriteString(c, frame(`421["action",{"action":"echo","text":"x"}]`)); err != nil {
		return err
	}
	text, err := c.next()
	for err == nil && text == "2" {
		if _, err = io.WriteString(c, frame("3")); err == nil {
			text, err = c.next()
		}
	}
	if err == nil && !strings.Contains(text, `"error":false`) {
		err = errors.New("the answer is " + text)
	}
	return err
}

// innocent starts clients that mean no harm.
func (s *server) innocent(t *testing.T) (check func()) {
	t.Helper()
	kept, err := s.joined()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(kept, frame(`421["roomChange",{"room":"elsewhere"}]`)); err != nil {
		t.Fatal(err)
	}
	if _, err := kept.next(); err != nil {
		t.Fatal(err)
	}
	one := hostile.Probe("one connection", kept.ask)
	fresh := hostile.Probe("a connection for each call", func() error {
		c, err := s.joined()
		if err != nil {
			return err
		}
		defer c.Close()
		return c.ask()
	})
	return func() {
		t.Helper()
		one.Check(t)
		fresh.Check(t)
		_ = kept.Close()
	}
}

// brief has limits within which the test can see clients go.
func brief(general *actionhero.Config, cfg *socketio.Config) {
	general.AnnounceLimit = -1
	cfg.PingInterval, cfg.PingTimeout, cfg.ConnectTimeout = 6*time.Second, 6*time.Second, 12*time.Second
}

// plain is a dial whose connection the storm may count on to be a socket.
func plain(dial func() (*raw, error)) func() (net.Conn, error) {
	return func() (net.Conn, error) {
		c, err := dial()
		if err != nil {
			return nil, err
		}
		return c.Conn, c.SetDeadline(time.Time{})
	}
}

func TestSlowClientsAreGone(t *testing.T) {
	leaks := hostile.CheckLeaks(t)
	s, stop := newVictim(t, brief)
	innocent := s.innocent(t)
	post := func() (*raw, error) {
		c, sid, err := s.poll()
		if err != nil {
			return nil, err
		}
		_, err = io.WriteString(c, "POST /socket.io/?EIO=4&transport=polling&sid="+sid+" HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n4")
		return c, err
	}
	poll := func() (*raw, error) {
		c, sid, err := s.poll()
		if err != nil {
			return nil, err
		}
		_, err = io.WriteString(c, strings.Replace(get("transport=polling&sid="+sid), "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
		return c, err
	}
	probe := func(text string) func() (*raw, error) {
		return func() (*raw, error) {
			_, sid, err := s.poll()
			if err != nil {
				return nil, err
			}
			c, err := s.socket("&sid=" + sid)
			if err == nil {
				_, err = io.WriteString(c, text)
			}
			return c, err
		}
	}
	socket := plain(func() (*raw, error) { return s.socket("") })
	hostile.Storm(t, goneWithin, []hostile.Kind{
		{Name: "upgrade that does not end", Dial: s.dial, Open: "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: test\r\nUp", Drip: "g"},
		{Name: "no connect", Dial: socket},
		{Name: "no answer to a ping", Dial: plain(s.joined)},
		{Name: "frame", Dial: plain(s.joined), Open: "\x81\xfe\xff\xff", Drip: "4"},
		{Name: "frame begun and left", Dial: plain(s.joined), Open: "\x81\xfe"},
		{Name: "fragments", Dial: plain(s.joined), Open: "\x01\x81\x00\x00\x00\x004", Drip: "\x00\x81\x00\x00\x00\x00x"},
		{Name: "body of a POST", Dial: plain(post), Drip: "2"},
		{Name: "poll and nothing more", Dial: plain(poll)},
		{Name: "probe that does not come", Dial: plain(probe(""))},
		{Name: "probe that does not end", Dial: plain(probe(frame("2probe")))},
	})
	innocent()
	stop()
	leaks()
}

func TestClientsThatDoNotReadAreGone(t *testing.T) {
	large := actionhero.Action[actionhero.None, map[string]string]{
		Name: "large", Description: "Answers much",
		Run: func(context.Context, actionhero.None) (map[string]string, error) {
			return map[string]string{"text": strings.Repeat("x", 400<<10)}, nil
		},
	}
	leaks := hostile.CheckLeaks(t)
	s, stop := newVictim(t, brief, large)
	innocent := s.innocent(t)
	hostile.Storm(t, goneWithin, []hostile.Kind{
		{Name: "large answers", Dial: plain(s.joined), Open: strings.Repeat(frame(`42["action",{"action":"large"}]`), 50), Unread: true},
		{Name: "refusals", Dial: plain(s.joined), Open: strings.Repeat(frame(`40/`+strings.Repeat("n", 100)), 5000), Unread: true},
	})
	innocent()
	stop()
	leaks()
}

// newVictim is newServer with a stop of the test's own.
func newVictim(t *testing.T, change func(*actionhero.Config, *socketio.Config), parts ...actionhero.Part) (s *server, stop func()) {
	t.Helper()
	s = newServer(t, change, parts...)
	return s, func() {
		if err := s.api.Stop(context.Background()); err != nil {
			t.Errorf("Stop: %v", err)
		}
	}
}
