package goruntime

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// ConnOptions are the options of a [Conn]. Their functions must not be changed afterwards.
type ConnOptions struct {
	// URL is "https://HOST", "http://HOST", "wss://HOST" or "ws://HOST" for a WebSocket, and "tcp://HOST:PORT" or
	// "tls://HOST:PORT" for the line protocol; required.
	URL       string
	Auth      Auth          // the token of the handshake of a WebSocket; default: none
	Header    http.Header   // further headers of the handshake; default: none
	TLS       *tls.Config   // default: the authorities of the system
	HTTP      Transport     // carries uploads, downloads and what else a connection cannot; default: these calls fail
	Timeout   time.Duration // of a call without a deadline, and of a connect; default: 35 s
	Retries   int           // of a call that may run twice; less than 0 is none; default: 2
	MinDelay  time.Duration // before the first attempt to reconnect; default: 500 ms
	MaxDelay  time.Duration // before any attempt; default: 30 s
	Heartbeat time.Duration // the silence after which the server is asked whether it is there; default: 30 s

	// Login is called after each connect, before the rooms: it logs in by an action of via, which is sent at once. After an
	// error, the connection is closed, and opened again later. Default: none.
	Login func(ctx context.Context, via Transport) error

	// OnOpen is called when the connection is open and in its rooms, except those that refuse now. Events may have been
	// missed. OnClose is called when a connection has ended or could not be opened. Both are called by one goroutine, in
	// order with the messages and the events.
	OnOpen    func(refusedRooms []string)
	OnClose   func(err error)
	OnMessage func(Message) // each message of a room, events included
	OnError   func(error)   // the value of an event does not have the type of this client; default: the value is dropped
}

// Conn is one connection, over WebSocket or the line protocol over TCP. It opens at once, and again whenever it ends, until
// Close. Calls wait for it. After a reconnect, it is in its rooms again. Several goroutines may use it at the same time.
type Conn struct {
	o      ConnOptions
	ctx    context.Context // ends with Close
	cancel context.CancelCauseFunc
	work   sync.WaitGroup
	inbox  *inbox

	mu       sync.Mutex
	link     link
	isOpen   bool // requests of callers go out
	changed  chan struct{}
	pending  map[int64]*request
	room     string          // the current room, chosen by RoomChange
	rooms    map[string]bool // the further ones
	handlers map[string]map[*handler]bool
}

// link is one connection to the server.
type link interface {
	// send writes a request, and returns the number with which the answer comes.
	send(r *request) (id int64, err error)
	// receive returns the next message of the server with the number of the request that it answers, or 0.
	receive() (frame []byte, id int64, err error)
	close()
}

// request is a request that waits for its answer.
type request struct {
	event, room, message string // of a command
	action               *Spec  // of an action
	params               []byte
	key                  string
	answered             chan []byte // has room for one; closed if the connection ends first
}

// Message is a message of a room.
type Message struct {
	Text json.RawMessage `json:"message"` // JSON, mostly a text
	From string          `json:"from"`
	Room string          `json:"room"` // empty if it is the current room
}

// handler is a function for the values of an event.
type handler struct {
	call func(data json.RawMessage, m Message)
}

// errClosed is the cause of a Conn that is closed.
var errClosed = errors.New("the connection was closed")

// Connect returns a connection, which opens in the background.
func Connect(o ConnOptions) *Conn {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.MinDelay <= 0 {
		o.MinDelay = 500 * time.Millisecond
	}
	if o.MaxDelay <= 0 {
		o.MaxDelay = 30 * time.Second
	}
	if o.Heartbeat <= 0 {
		o.Heartbeat = 30 * time.Second
	}
	c := &Conn{o: o, inbox: newInbox(), changed: make(chan struct{}), pending: map[int64]*request{}, rooms: map[string]bool{}, handlers: map[string]map[*handler]bool{}}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	c.work.Go(c.run)
	c.work.Go(c.inbox.run)
	return c
}

// Close ends the connection for good, and waits until the running function of the options or of an event has returned. These
// functions must not call it.
func (c *Conn) Close() {
	c.cancel(errClosed)
	c.work.Wait()
}

// goodAfter is the age from which a connection was a good one, after which the delays begin anew.
const goodAfter = 5 * time.Second

// run keeps the connection open.
func (c *Conn) run() {
	defer c.inbox.close()
	refused := false
	for attempt := 0; c.ctx.Err() == nil; attempt++ {
		begun := time.Now()
		opened, err := c.session(refused)
		if opened && time.Since(begun) >= goodAfter {
			attempt = 0
		}
		c.inbox.add(func() {
			if c.o.OnClose != nil {
				c.o.OnClose(err)
			}
		})
		var end *endError
		if errors.As(err, &end) && end.isFinal() {
			if refused || !end.isRefusal() || c.o.Auth == nil {
				c.cancel(err)
				return
			}
			refused = true
			continue
		}
		refused = false
		timer := time.NewTimer(backoff(attempt, c.o.MinDelay, c.o.MaxDelay))
		select {
		case <-timer.C:
		case <-c.ctx.Done():
			timer.Stop()
		}
	}
}

// session opens one connection and reads it to its end.
func (c *Conn) session(refused bool) (opened bool, err error) {
	ctx, cancel := context.WithTimeout(c.ctx, c.o.Timeout)
	defer cancel()
	l, err := dial(ctx, &c.o, refused)
	if err != nil {
		return false, err
	}
	stop := context.AfterFunc(c.ctx, l.close)
	defer stop()
	c.mu.Lock()
	c.link = l
	c.mu.Unlock()
	failed := make(chan error, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		err := c.read(l)
		c.lost() // also during begin, which waits for answers
		failed <- err
	})
	if err = c.begin(ctx, l); err == nil {
		opened = true
		cancel()
		err = c.watch(failed)
	}
	l.close()
	reading.Wait()
	if !opened { // begin has failed because the connection has ended, or the connection because of the line above
		if first := <-failed; !errors.Is(first, net.ErrClosed) {
			err = first
		}
	}
	return opened, err
}

// begin logs in, enters the rooms again, and lets the calls go out.
func (c *Conn) begin(ctx context.Context, l link) error {
	if c.o.Login != nil {
		if err := c.o.Login(ctx, urgent{c}); err != nil {
			return err
		}
	}
	refused, err := c.rejoin(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.isOpen = c.link == l // it may be lost already
	c.notify()
	c.mu.Unlock()
	c.inbox.add(func() {
		if c.o.OnOpen != nil {
			c.o.OnOpen(refused)
		}
	})
	return nil
}

// watch waits for the end of the connection. It asks a silent server whether it is there.
func (c *Conn) watch(failed <-chan error) error {
	for {
		before := c.inbox.heard.Load()
		timer := time.NewTimer(c.o.Heartbeat)
		select {
		case err := <-failed:
			timer.Stop()
			return err
		case <-timer.C:
		}
		if c.inbox.heard.Load() != before {
			continue
		}
		ctx, cancel := context.WithTimeout(c.ctx, c.o.Heartbeat)
		_, err := c.command(ctx, &request{event: "detailsView"}, true)
		cancel()
		if CodeOf(err) == CodeTimeout {
			return errors.New("the server is silent")
		}
	}
}

// lost fails the requests that were sent.
func (c *Conn) lost() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link, c.isOpen = nil, false
	for id, r := range c.pending {
		close(r.answered)
		delete(c.pending, id)
	}
	c.notify()
}

// notify wakes the calls that wait for a change. The caller holds c.mu.
func (c *Conn) notify() {
	close(c.changed)
	c.changed = make(chan struct{})
}
