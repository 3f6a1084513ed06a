package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/encode"
)

// Event is a server-sent event. A page receives it with an EventSource.
type Event struct {
	ID   string // the client sends the last one when it connects again; without line ends
	Name string // the type for which a page listens, without line ends; default: message
	// Data is a text of any number of lines as a string or a []byte, or a value that is sent as JSON. Without Data and
	// Name, the page gets no event: only ID and Retry take effect.
	Data  any
	Retry time.Duration // how long the client waits before it connects again, in whole milliseconds; 0: as before
}

// EventsOf is the output type of an action that answers with [Events]. T is the type of the Data that it sends as JSON. The
// documents then describe a stream, and not an object.
type EventsOf[T any] struct{}

// EventData returns the type T.
func (EventsOf[T]) EventData() reflect.Type { return reflect.TypeFor[T]() }

// EventOptions are the options of [Events]. The zero value works.
type EventOptions struct {
	// Heartbeat is the time between comments, which pages do not see. They keep proxies from closing the connection, and
	// show that a client has left. Negative: none; default: 15 s.
	Heartbeat time.Duration
}

// defaultHeartbeat is shorter than the time after which proxies close a silent connection, which is 60 s for nginx.
const defaultHeartbeat = 15 * time.Second

// EventStream sends events to one client. [Events] returns it. Goroutines may use an EventStream concurrently.
type EventStream struct {
	call   *call
	w      scopedWriter
	ctx    context.Context // of the action
	lastID string
	over   func()        // forgets the stream; nil until it has begun
	ended  chan struct{} // closed when the action has returned
	ending sync.Once
	beats  sync.WaitGroup

	beginning sync.Mutex // held while the stream begins and ends
	mu        sync.Mutex // held during each write
	buf       []byte
	err       error // of the first write that failed
}

// errNotWeb is the error of Events over another transport.
var errNotWeb = actionhero.Errorf(actionhero.CodeInvalidInput, "events are sent over HTTP only")

// Events begins a stream of server-sent events (text/event-stream) as the response to the action that runs with ctx. The
// stream ends when the action returns; the server does not send the output of the action.
//
// The ctx of the action ends when the client has left, when a stop of the server begins, and at the time limit of the
// action. It also ends when the identity of the client ends: at its time, with a logout, with the end of its session or
// API key, and with a Close or SetIdentity of actionhero.Conns.User, on any node (see [actionhero.Stream]). So the action sends events in a loop until ctx is done. Action.Timeout is the time limit of the stream, and
// negative for none. A page whose stream ends connects again and names the last event that it has received:
// [EventStream.LastID].
//
// Over another transport than HTTP, Events returns an error of CodeInvalidInput. If the action has begun its response
// already, the error is internal.
func Events(ctx context.Context, options EventOptions) (*EventStream, error) {
	c := callFrom(ctx)
	if c == nil {
		return nil, errNotWeb
	}
	s := &EventStream{call: c, w: scopedWriter{&c.scope, c.w}, ctx: ctx, ended: make(chan struct{})}
	s.beginning.Lock()
	defer s.beginning.Unlock()
	begun := true
	c.change(func() {
		if begun = c.begun.Load() || !c.events.CompareAndSwap(nil, s); !begun {
			s.lastID = c.r.Header.Get("Last-Event-Id")
		}
	})
	if begun {
		return nil, errBegun
	}
	if err := s.begin(options); err != nil {
		c.events.CompareAndSwap(s, nil)
		return nil, err
	}
	return s, nil
}

var errBegun = errors.New("web.Events was called after the response had begun, or after the action had returned")

// begin begins the response, unless the API refuses the stream. The caller holds s.beginning.
func (s *EventStream) begin(options EventOptions) (err error) {
	c := s.call
	if s.over, err = c.server.api.BeginStream(s.ctx, &c.req, func() { c.server.api.Cancel(&c.req) }); err != nil {
		return err
	}
	c.hijackedByAction.Store(true)
	header := s.w.Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "Etag", "Last-Modified", "Expires"} {
		delete(header, name)
	}
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store, no-transform") // a proxy that compresses would wait for more bytes
	header.Set("X-Accel-Buffering", "no")                 // nginx
	s.w.WriteHeader(http.StatusOK)
	s.fail(s.w.FlushError())
	if c.r.Method == http.MethodHead {
		s.fail(context.Canceled) // the response ends with its headers
	}
	s.beats.Go(func() { s.beat(options.Heartbeat) })
	return nil
}

// LastID returns the ID of the last event that the client has received on an earlier stream, or "".
func (s *EventStream) LastID() string { return s.lastID }

// Send sends an event. It blocks until the network has taken the event. A client that does not read for
// commonWeb.writeTimeout is disconnected. If the stream has ended, Send returns an error of CodeCanceled that wraps
// [context.Canceled]. If the event cannot be sent in any stream, Send returns an internal error, and the stream goes on.
func (s *EventStream) Send(e Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := e.append(s.buf[:0])
	if err != nil {
		return err
	}
	if s.buf = text; cap(text) > maxPooledBuffer {
		s.buf = nil
	}
	return s.write(text)
}

// write writes and flushes a text. The caller must hold the lock s.mu.
func (s *EventStream) write(text []byte) error {
	if s.err == nil && s.ctx.Err() == nil && len(text) > 0 {
		_, err := s.w.Write(text)
		if err == nil {
			err = s.w.FlushError()
		}
		s.fail(err)
	}
	if s.err != nil || s.ctx.Err() != nil {
		return &actionhero.Error{Code: actionhero.CodeCanceled, Message: "the stream of events has ended", Err: errors.Join(context.Canceled, s.err)}
	}
	return nil
}

// fail ends the stream if err is not nil: the context of the action ends.
func (s *EventStream) fail(err error) {
	if err != nil {
		s.err = err
		s.call.server.api.Cancel(&s.call.req)
	}
}

var heartbeat = []byte(":\n\n")

// beat sends heartbeats, until the stream has ended.
func (s *EventStream) beat(every time.Duration) {
	if every == 0 {
		every = defaultHeartbeat
	}
	if every < 0 {
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-s.ended:
			return
		case <-s.ctx.Done():
			return
		case <-ticker.C:
			if s.mu.TryLock() { // else an event is being sent, which may wait for a client that does not read
				_ = s.write(heartbeat)
				s.mu.Unlock()
			}
		}
	}
}

// end ends the stream after its action has returned.
func (s *EventStream) end() {
	s.beginning.Lock()
	defer s.beginning.Unlock()
	s.ending.Do(func() {
		close(s.ended)
		s.beats.Wait()
		if s.over != nil {
			s.over()
		}
	})
}

// append appends the event to dst as text/event-stream (https://html.spec.whatwg.org/multipage/server-sent-events.html).
func (e *Event) append(dst []byte) ([]byte, error) {
	if strings.ContainsAny(e.ID, "\r\n\x00") || strings.ContainsAny(e.Name, "\r\n") {
		return nil, fmt.Errorf("the event with the ID %.100q and the Name %.100q cannot be sent: both must be without line ends, and ID without NUL", e.ID, e.Name)
	}
	data, err := e.data()
	if err != nil {
		return nil, fmt.Errorf("the Data of an event does not encode: %w", err)
	}
	if e.ID != "" {
		dst = append(append(append(dst, "id: "...), e.ID...), '\n')
	}
	if e.Name != "" {
		dst = append(append(append(dst, "event: "...), e.Name...), '\n')
	}
	if e.Retry > 0 {
		ms := int64((e.Retry + time.Millisecond - 1) / time.Millisecond)
		dst = append(strconv.AppendInt(append(dst, "retry: "...), ms, 10), '\n')
	}
	for more := e.Data != nil || e.Name != ""; more; {
		end := bytes.IndexAny(data, "\r\n")
		if more = end >= 0; !more {
			end = len(data)
		}
		dst = append(append(append(dst, "data: "...), data[:end]...), '\n')
		if rest := data[end:]; more && bytes.HasPrefix(rest, []byte("\r\n")) {
			data = rest[2:]
		} else if more {
			data = rest[1:]
		}
	}
	if len(dst) > 0 {
		dst = append(dst, '\n')
	}
	return dst, nil
}

// data returns the text of the member Data.
func (e *Event) data() ([]byte, error) {
	switch data := e.Data.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(data), nil
	case []byte:
		return data, nil
	}
	return encode.Marshal(e.Data)
}
