//go:build linux

package run

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// clients are the clients of all nodes. They connect again when they lose their connection, and sometimes without a
// reason.
type clients struct {
	rec    *history.Recorder
	nodes  func() (nodeReady, bool) // a node that serves
	load   float64
	wg     sync.WaitGroup
	stop   context.CancelFunc
	quiet  atomic.Bool // say nothing any more
	opened atomic.Int64
	asked  atomic.Int64 // requests over HTTP that were answered
}

// clientTimeout is the time for which a client waits for anything.
const clientTimeout = 10 * time.Second

func startClients(rec *history.Recorder, load float64, nodes func() (nodeReady, bool)) *clients {
	ctx, stop := context.WithCancel(context.Background())
	c := &clients{rec: rec, nodes: nodes, load: load, stop: stop}
	for _, wire := range []wire{tcpWire{}, socketWire{}, socketIOWire{}} {
		for i := range 3 {
			c.wg.Go(func() {
				for ctx.Err() == nil {
					c.session(ctx, wire, i == 0)
					wait(ctx, time.Duration(between(50, 500))*time.Millisecond)
				}
			})
		}
	}
	c.wg.Go(func() { c.web(ctx) })
	return c
}

// end closes all clients.
func (c *clients) end() {
	c.stop()
	c.wg.Wait()
}

// wire is the protocol of a client.
type wire interface {
	open(n nodeReady) (connection, error)
	details() string // the request for the id of the connection
	add(room string) string
	say(room, text string) string
}

// connection carries messages.
type connection interface {
	send(message string) error
	next() (string, error)
	Close() error
}

// session is one connection until it ends. The client sits in all rooms. A connection does not hear its own messages, so
// those that talk record nothing.
func (c *clients) session(ctx context.Context, w wire, talks bool) {
	node, ok := c.nodes()
	if !ok {
		return
	}
	conn, err := w.open(node)
	if err != nil {
		return
	}
	c.opened.Add(1)
	ctx, cancel := context.WithTimeout(ctx, time.Duration(between(5, 60))*time.Second)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer conn.Close()
	if conn.send(w.details()) != nil {
		return
	}
	for _, room := range rooms[1:] {
		if conn.send(w.add(room)) != nil {
			return
		}
	}
	c.wg.Go(func() { c.chat(ctx, w, conn, talks) })
	l := listener{rec: c.rec}
	for {
		message, err := conn.next()
		if err != nil {
			return
		}
		if !talks {
			l.hear(message)
		}
	}
}

// chat says messages until ctx ends. Any message of the client also shows the server that it lives.
func (c *clients) chat(ctx context.Context, w wire, conn connection, talks bool) {
	for wait(ctx, time.Duration((0.2+rand.ExpFloat64())/c.load*float64(time.Second))) {
		message := w.details()
		if talks && !c.quiet.Load() {
			message = w.say(rooms[rand.IntN(len(rooms))], textOf(c.rec.Number()))
		}
		if conn.send(message) != nil {
			return
		}
	}
}

// listener records what one connection hears.
type listener struct {
	rec   *history.Recorder
	id    string
	early []heard
}

// heard is the part of all messages of the server that the history needs.
type heard struct {
	Context, Room, Position string
	Message                 any
	Details                 struct{ Public struct{ ID string } }
	Data                    any
}

func (l *listener) hear(text string) {
	begin, end := strings.IndexByte(text, '{'), strings.LastIndexByte(text, '}')
	if begin < 0 || end < begin {
		return
	}
	var h heard
	if json.Unmarshal([]byte(text[begin:end+1]), &h) != nil {
		return
	}
	if h.Details.Public.ID != "" && l.id == "" {
		l.id = h.Details.Public.ID
		for _, e := range l.early {
			l.record(e)
		}
		return
	}
	if l.id == "" {
		l.early = append(l.early, h)
		return
	}
	l.record(h)
}

func (l *listener) record(h heard) {
	room := h.Room
	if room == "" {
		room = rooms[0]
	}
	switch h.Context {
	case "gap":
		l.rec.Gap(room, l.id)
	case "user":
		message, _ := h.Message.(string)
		number, ok := numberOf(message)
		if !ok {
			return // news
		}
		var epoch, seq uint64
		if whole, err := base64.RawURLEncoding.DecodeString(h.Position); err == nil && len(whole) == 20 {
			epoch, seq = binary.BigEndian.Uint64(whole), binary.BigEndian.Uint64(whole[8:])
		}
		l.rec.Deliver(room, l.id, epoch, seq, number)
	}
}

// web sends requests over HTTP: it enqueues jobs and says messages.
func (c *clients) web(ctx context.Context) {
	client := http.Client{Timeout: clientTimeout, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for wait(ctx, time.Duration(rand.ExpFloat64()/(2*c.load)*float64(time.Second))) {
		node, ok := c.nodes()
		if !ok || c.quiet.Load() {
			continue
		}
		path := "/api/work"
		if rand.IntN(2) == 0 {
			path = "/api/say?room=" + rooms[rand.IntN(len(rooms))] + "&message=" + url.QueryEscape(textOf(c.rec.Number()))
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+node.Web+path, nil)
		if err != nil {
			panic(err)
		}
		answer, err := client.Do(request)
		if err != nil {
			continue
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		c.asked.Add(1)
	}
}

// tcpWire is the line protocol.
type tcpWire struct{}

type lines struct {
	net.Conn
	in *bufio.Reader
}

func (tcpWire) open(n nodeReady) (connection, error) {
	conn, err := net.DialTimeout("tcp", n.TCP, clientTimeout)
	if err != nil {
		return nil, err
	}
	return lines{conn, bufio.NewReader(conn)}, nil
}

func (l lines) send(message string) error {
	_ = l.SetWriteDeadline(time.Now().Add(clientTimeout))
	_, err := io.WriteString(l, message+"\r\n")
	return err
}

func (l lines) next() (string, error) { return l.in.ReadString('\n') }

func (tcpWire) details() string        { return "detailsView" }
func (tcpWire) add(room string) string { return "roomAdd " + room }
func (tcpWire) say(room, text string) string {
	return fmt.Sprintf(`{"action":"say","params":{"room":%q,"message":%q}}`, room, text)
}

// socketWire is plain WebSocket.
type socketWire struct{}

type frames struct{ *testkit.Frames }

func (socketWire) open(n nodeReady) (connection, error) {
	return openFrames(n, testkit.WSPath+"?positions=follow")
}

func openFrames(n nodeReady, path string) (connection, error) {
	conn, err := net.DialTimeout("tcp", n.Web, clientTimeout)
	if err != nil {
		return nil, err
	}
	f, err := testkit.OpenFrames(conn, path, "", clientTimeout)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	f.Limit = time.Minute
	return frames{f}, nil
}

func (f frames) send(message string) error { return f.Send(testkit.Text(message)) }

// next answers the pings of Engine.IO.
func (f frames) next() (string, error) {
	for {
		message, err := f.Message()
		if err != nil || message != "2" {
			return message, err
		}
		if err := f.send("3"); err != nil {
			return "", err
		}
	}
}

func (socketWire) details() string        { return `{"event":"detailsView"}` }
func (socketWire) add(room string) string { return fmt.Sprintf(`{"event":"roomAdd","room":%q}`, room) }
func (socketWire) say(room, text string) string {
	return fmt.Sprintf(`{"event":"action","params":{"action":"say","room":%q,"message":%q}}`, room, text)
}

// socketIOWire is Socket.IO over WebSocket.
type socketIOWire struct{}

func (socketIOWire) open(n nodeReady) (connection, error) {
	conn, err := openFrames(n, testkit.SIOPath+"&positions=follow")
	if err != nil {
		return nil, err
	}
	if err := conn.send("40"); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

func (socketIOWire) details() string        { return `42["detailsView"]` }
func (socketIOWire) add(room string) string { return fmt.Sprintf(`42["roomAdd",{"room":%q}]`, room) }
func (socketIOWire) say(room, text string) string {
	return fmt.Sprintf(`42["action",{"action":"say","room":%q,"message":%q}]`, room, text)
}
