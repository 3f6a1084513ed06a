//go:build hostile

package attack_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

func polling(query string) string {
	return "GET /socket.io/?EIO=4&transport=polling" + query + " HTTP/1.1\r\nHost: localhost\r\n\r\n"
}

// poll opens a session over long-polling, and returns its connection and its id.
func (s *target) poll() (nc net.Conn, sid string, err error) {
	if nc, err = s.DialHTTP(); err != nil {
		return nil, "", err
	}
	if _, err := io.WriteString(nc, polling("")); err != nil {
		return nil, "", err
	}
	resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		return nil, "", err
	}
	text, err := io.ReadAll(resp.Body)
	if fields := strings.SplitN(string(text), `"`, 5); err == nil && len(fields) == 5 {
		return nc, fields[3], nil
	}
	return nil, "", fmt.Errorf("the session is answered with %s %s, %w", resp.Status, text, err)
}

// joined connects a client over WebSocket that has read its welcome.
func (s *target) joined() (*testkit.Frames, error) {
	nc, err := s.DialHTTP()
	if err != nil {
		return nil, err
	}
	return testkit.OpenSIO(nc, atOnce)
}

// socket opens a WebSocket; query is added to its address.
func (s *target) socket(query string) (*testkit.Frames, error) {
	nc, err := s.DialHTTP()
	if err != nil {
		return nil, err
	}
	return testkit.OpenFrames(nc, testkit.SIOPath+query, "", atOnce)
}

// askSIO runs an action and answers pings meanwhile.
func askSIO(c *testkit.Frames) error {
	if err := c.Send(testkit.Text(`421["action",{"action":"randomNumber"}]`)); err != nil {
		return err
	}
	text, err := c.Message()
	for err == nil && text == "2" {
		if err = c.Send(testkit.Text("3")); err == nil {
			text, err = c.Message()
		}
	}
	if err == nil && !strings.Contains(text, `"error":false`) {
		err = errors.New("the answer is " + text)
	}
	return err
}

// wellBehavedSIO starts clients that do no harm.
func (s *target) wellBehavedSIO(t *testing.T) (check func()) {
	t.Helper()
	kept, err := s.joined()
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.Send(testkit.Text(`421["roomChange",{"room":"elsewhere"}]`)); err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Message(); err != nil {
		t.Fatal(err)
	}
	one := testkit.StartProbe("one connection", func() error { return askSIO(kept) })
	fresh := testkit.StartProbe("a connection for each call", func() error {
		c, err := s.joined()
		if err != nil {
			return err
		}
		defer c.Close()
		return askSIO(c)
	})
	return func() {
		t.Helper()
		one.Check(t)
		fresh.Check(t)
		_ = kept.Close()
	}
}

// brief are limits within which the test can see clients go.
func brief(cfg *server.Config) {
	sio := &cfg.WebSockets.SocketIO
	sio.PingInterval, sio.PingTimeout, sio.ConnectTimeout = 6*time.Second, 6*time.Second, 12*time.Second
}

// plain is a dial whose connection the storm may use as a socket.
func plain[C net.Conn](dial func() (C, error)) dialer {
	return func() (net.Conn, error) {
		c, err := dial()
		if err != nil {
			return nil, err
		}
		var nc net.Conn = c
		if frames, ok := nc.(*testkit.Frames); ok {
			nc = frames.Conn
		}
		return nc, nc.SetDeadline(time.Time{})
	}
}

func TestSocketIOSlowClientsAreGone(t *testing.T) {
	leaks := testkit.CheckLeaks(t)
	s := newTarget(t, brief)
	wellBehaved := s.wellBehavedSIO(t)
	post := func() (net.Conn, error) {
		c, sid, err := s.poll()
		if err != nil {
			return nil, err
		}
		_, err = io.WriteString(c, "POST /socket.io/?EIO=4&transport=polling&sid="+sid+" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n4")
		return c, err
	}
	poll := func() (net.Conn, error) {
		c, sid, err := s.poll()
		if err != nil {
			return nil, err
		}
		_, err = io.WriteString(c, strings.Replace(polling("&sid="+sid), "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
		return c, err
	}
	probe := func(text string) func() (net.Conn, error) {
		return func() (net.Conn, error) {
			_, sid, err := s.poll()
			if err != nil {
				return nil, err
			}
			c, err := s.socket("&sid=" + sid)
			if err != nil {
				return nil, err
			}
			return c.Conn, c.Send(text)
		}
	}
	socket := plain(func() (*testkit.Frames, error) { return s.socket("") })
	testkit.Storm(t, goneWithin, []testkit.Kind{
		{Name: "upgrade that does not end", Dial: s.DialHTTP, Open: "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUp", Drip: "g"},
		{Name: "no connect", Dial: socket},
		{Name: "no answer to a ping", Dial: plain(s.joined)},
		{Name: "frame", Dial: plain(s.joined), Open: "\x81\xfe\xff\xff", Drip: "4"},
		{Name: "frame begun and left", Dial: plain(s.joined), Open: "\x81\xfe"},
		{Name: "fragments", Dial: plain(s.joined), Open: "\x01\x81\x00\x00\x00\x004", Drip: "\x00\x81\x00\x00\x00\x00x"},
		{Name: "body of a POST", Dial: plain(post), Drip: "2"},
		{Name: "poll and nothing more", Dial: plain(poll)},
		{Name: "probe that does not come", Dial: plain(probe(""))},
		{Name: "probe that does not end", Dial: plain(probe(testkit.Text("2probe")))},
	})
	wellBehaved()
	s.Stop()
	leaks()
}

func TestSocketIOClientsThatDoNotReadAreGone(t *testing.T) {
	leaks := testkit.CheckLeaks(t)
	s := newTarget(t, brief, large)
	wellBehaved := s.wellBehavedSIO(t)
	testkit.Storm(t, goneWithin, []testkit.Kind{
		{Name: "large answers", Dial: plain(s.joined), Open: strings.Repeat(testkit.Text(`42["action",{"action":"large"}]`), 50), Unread: true},
		{Name: "refusals", Dial: plain(s.joined), Open: strings.Repeat(testkit.Text(`40/`+strings.Repeat("n", 100)), 5000), Unread: true},
	})
	wellBehaved()
	s.Stop()
	leaks()
}
