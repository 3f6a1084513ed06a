package goruntime

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
)

// urgent sends calls before the connection is open to others.
type urgent struct{ c *Conn }

// Call implements [Transport].
func (u urgent) Call(ctx context.Context, spec *Spec, in, out any, options ...Option) error {
	return u.c.call(ctx, spec, in, out, true, options)
}

// Call implements [Transport].
func (c *Conn) Call(ctx context.Context, spec *Spec, in, out any, options ...Option) error {
	return c.call(ctx, spec, in, out, false, options)
}

func (c *Conn) call(ctx context.Context, spec *Spec, in, out any, now bool, options []Option) error {
	isTCP := c.isTCP()
	_, hasFiles := in.(uploader)
	call := newCall(spec, c.o.Retries, options)
	name := "websocket"
	if isTCP {
		name = "tcp"
	}
	cannot := hasFiles || call.options.body != nil || !spec.isOver(name) || isTCP && spec.Content
	if c.o.HTTP != nil && (cannot || spec.Content) {
		return c.o.HTTP.Call(ctx, spec, in, out, options...)
	}
	if cannot {
		return spec.fail(CodeInvalidCall, "the action does not run over "+name+": set ConnOptions.HTTP", nil)
	}
	params, failure := encodeInput(spec, in)
	if failure != nil {
		return failure
	}
	ctx, cancel := c.limited(ctx)
	defer cancel()
	return call.run(ctx, func(ctx context.Context) *Error {
		text, failure := c.exchange(ctx, spec, &request{action: spec, params: params, key: call.options.key}, now)
		if failure != nil {
			return failure
		}
		download, ok := out.(**Download)
		if !ok {
			return decode(spec, text, true, out)
		}
		var found content
		err := json.Unmarshal(text, &found)
		if err == nil {
			*download, err = found.download()
		}
		if err != nil {
			return spec.fail(CodeProtocol, err.Error(), err)
		}
		return nil
	})
}

func (c *Conn) isTCP() bool {
	return strings.HasPrefix(c.o.URL, "tcp:") || strings.HasPrefix(c.o.URL, "tls:")
}

// limited adds the time limit of the options to a context without a deadline.
func (c *Conn) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.o.Timeout)
}

// exchange sends a request, and returns the object that answers it, unless that has an error. It waits for the connection to be
// open, unless now is true.
func (c *Conn) exchange(ctx context.Context, spec *Spec, r *request, now bool) ([]byte, *Error) {
	r.answered = make(chan []byte, 1)
	id, failure := c.send(ctx, spec, r, now)
	if failure != nil {
		return nil, failure
	}
	select {
	case text, ok := <-r.answered:
		if !ok {
			return nil, c.failure(spec, errors.New("the connection ended before the answer came"))
		}
		var a answer
		if err := json.Unmarshal(text, &a); err != nil {
			return nil, spec.fail(CodeProtocol, "the answer is malformed", err)
		}
		if a.text() != "" {
			return nil, a.failure(spec, CodeInternal)
		}
		return text, nil
	case <-ctx.Done():
		c.mu.Lock()
		delete(c.pending, id)
		c.mu.Unlock()
		return nil, (&call{spec: spec}).ended(ctx)
	}
}

// send waits for the connection and writes a request.
func (c *Conn) send(ctx context.Context, spec *Spec, r *request, now bool) (int64, *Error) {
	for {
		c.mu.Lock()
		if c.link != nil && (c.isOpen || now) && c.ctx.Err() == nil {
			id, err := c.link.send(r) // under the lock, so that no answer comes before its request is known
			if err == nil {
				c.pending[id] = r
			}
			c.mu.Unlock()
			var invalid *invalidError
			if errors.As(err, &invalid) {
				return 0, spec.fail(CodeInvalidCall, err.Error(), err)
			}
			if err != nil {
				return 0, c.failure(spec, err)
			}
			return id, nil
		}
		changed := c.changed
		c.mu.Unlock()
		if now {
			return 0, c.failure(spec, errors.New("the connection has ended"))
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, (&call{spec: spec}).ended(ctx)
		case <-c.ctx.Done():
			return 0, c.failure(spec, nil)
		}
	}
}

// failure returns the error of a request without an answer.
func (c *Conn) failure(spec *Spec, err error) *Error {
	if c.ctx.Err() == nil {
		return spec.fail(CodeNetwork, err.Error(), err)
	}
	cause := context.Cause(c.ctx)
	var end *endError
	if errors.As(cause, &end) && end.isRefusal() {
		return spec.fail(CodeUnauthenticated, cause.Error(), cause)
	}
	return spec.fail(CodeClosed, cause.Error(), cause)
}

// read reads messages until the connection ends.
func (c *Conn) read(l link) error {
	for {
		frame, id, err := l.receive()
		if err != nil {
			return err
		}
		c.inbox.heard.Add(1)
		c.mu.Lock()
		r := c.pending[id]
		delete(c.pending, id)
		c.mu.Unlock()
		if r != nil {
			r.answered <- frame
			continue
		}
		var m struct {
			Context string `json:"context"`
			Message
		}
		if json.Unmarshal(frame, &m) == nil && m.Context == "user" && !c.inbox.add(func() { c.deliver(m.Message) }) {
			return errors.New("too many messages wait for the functions of this client")
		}
	}
}
