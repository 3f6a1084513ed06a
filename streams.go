package actionhero

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Stream is a response over HTTP that lasts, such as the events of package web. It has the identity of its request, and
// ends when the identity expires, when a stop of the API begins, and with a Close or SetIdentity of [Conns.User] for its
// user: the client then opens it again, and is identified again.
type Stream struct {
	Request *Request // the request that the stream answers

	api  *API
	user string

	mu    sync.Mutex
	end   func()      // ends the context of the action; nil: the action has returned
	timer *time.Timer // of the end of the identity; nil: none
	met   int         // the number of middlewares that have met the stream
}

// End ends the stream: the context of its action ends. After the action has returned, End does nothing.
func (s *Stream) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end != nil {
		s.end()
	}
}

// StreamMiddleware runs code of the app when a [Stream] begins and ends, as [ConnMiddleware] does for connections: for
// example to end the streams of a login when the user logs out. Each function is optional. A StreamMiddleware is a [Part].
type StreamMiddleware struct {
	// Begin is called before the response begins. An error is the answer to the request instead. The credentials may have
	// ended since the request was identified: keep the stream where [Stream.End] is called for it, and then check them again. The context is the one of a request with the time limit Config.ActionTimeout.
	Begin func(ctx context.Context, s *Stream) error
	// End is called once for each stream whose Begin has been called, also if a Begin has returned an error.
	End func(s *Stream)
}

func (m StreamMiddleware) register(r *registry) error {
	if m.Begin == nil && m.End == nil {
		return errors.New("a StreamMiddleware has no function: set Begin or End")
	}
	r.streams = append(r.streams, m)
	return nil
}

// streamSet holds the streams of this node by the ids of their users.
type streamSet struct {
	mu sync.Mutex
	of map[string]map[*Stream]struct{}
}

func (x *streamSet) add(s *Stream) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.of == nil {
		x.of = map[string]map[*Stream]struct{}{}
	}
	if x.of[s.user] == nil {
		x.of[s.user] = map[*Stream]struct{}{}
	}
	x.of[s.user][s] = struct{}{}
}

func (x *streamSet) remove(s *Stream) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if delete(x.of[s.user], s); len(x.of[s.user]) == 0 {
		delete(x.of, s.user)
	}
}

// endOf ends the streams of a user.
func (x *streamSet) endOf(user string) {
	x.mu.Lock()
	var found []*Stream
	for s := range x.of[user] {
		found = append(found, s)
	}
	x.mu.Unlock()
	for _, s := range found {
		s.End()
	}
}

// endAll ends all streams.
func (x *streamSet) endAll() {
	x.mu.Lock()
	var users []string
	for user := range x.of {
		users = append(users, user)
	}
	x.mu.Unlock()
	for _, user := range users {
		x.endOf(user)
	}
}

// beginStream implements transport.Host.BeginStream, which documents it.
func (api *API) beginStream(ctx context.Context, req *Request, end func()) (over func(), err error) {
	who := req.Identity()
	s := &Stream{Request: req, api: api, user: who.ID, end: end}
	middleware := api.registry.Load().streams
	over = sync.OnceFunc(func() { api.endStream(s, middleware) })
	api.streams.add(s)
	err = api.runHooks(ctx, func(ctx context.Context) error {
		for _, m := range middleware {
			s.met++
			if m.Begin != nil {
				if err := m.Begin(ctx, s); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		over()
		return nil, err
	}
	if !who.ExpiresAt.IsZero() {
		s.mu.Lock()
		s.timer = time.AfterFunc(time.Until(who.ExpiresAt), s.End)
		s.mu.Unlock()
	}
	select {
	case <-api.Stopping():
		s.End() // endAll may have come before the stream
	default:
		if who.Known() && api.Rooms.users.changedSince(who.ID, req.Started, req.changer()) {
			s.End()
		}
	}
	return over, nil
}

// endStream forgets a stream whose action has returned.
func (api *API) endStream(s *Stream, middleware []StreamMiddleware) {
	s.mu.Lock()
	s.end = nil
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	api.streams.remove(s)
	for _, m := range slices.Backward(middleware[:s.met]) {
		if m.End == nil {
			continue
		}
		if err := api.hook(func() error { m.End(s); return nil }); err != nil {
			api.log.Error("an End of a stream middleware failed", "error", failureText(AsError(err)))
		}
	}
}

// changers counts the requests over HTTP whose code has changed the connections of a user.
var changers atomic.Uint32

// changer returns a name of the request within the cluster, for userChange.from; "" until it has changed a user.
func (r *Request) changer() string {
	if n := r.ctx.change.Load(); n > 0 {
		return "request " + strconv.FormatUint(uint64(r.API.tag), 16) + " " + strconv.FormatUint(uint64(n), 10)
	}
	return ""
}

// becomeChanger gives the request a name, and returns it.
func (r *Request) becomeChanger() string {
	if r.ctx.change.Load() == 0 {
		r.ctx.change.CompareAndSwap(0, changers.Add(1))
	}
	return r.changer()
}
