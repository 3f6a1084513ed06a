package goruntime

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"math/bits"
	mathrand "math/rand/v2"
	"time"
)

// Transport sends calls to a server: [HTTP] or [Conn].
type Transport interface {
	// Call runs an action. in is the input, or nil. The output is decoded into out, which is a pointer, or nil if there is
	// none.
	Call(ctx context.Context, spec *Spec, in, out any, options ...Option) error
}

// Spec is what a transport knows of an action.
type Spec struct {
	Name, Path string   // Path is over HTTP
	Idempotent bool     // a second call changes nothing more
	Keyed      bool     // it takes idempotency keys
	Content    bool     // it answers with bytes
	Over       []string // the transports over which it runs; nil: all
}

func (s *Spec) isOver(transport string) bool {
	for _, name := range s.Over {
		if name == transport {
			return true
		}
	}
	return s.Over == nil
}

func (s *Spec) fail(code Code, message string, err error) *Error {
	return &Error{Code: code, Action: s.Name, Message: message, Err: err}
}

// Option is an option of one call.
type Option func(*callOptions)

type callOptions struct {
	key         string
	retries     *int
	progress    func(sent, total int64)
	body        io.Reader
	contentType string
}

// WithKey sets the idempotency key of a call, for an action that takes keys. Default: a new key for each call.
func WithKey(key string) Option { return func(o *callOptions) { o.key = key } }

// WithRetries sets how often a call that may run twice is tried again.
func WithRetries(n int) Option { return func(o *callOptions) { o.retries = &n } }

// WithProgress calls f while an upload is sent. total is -1 if it is not known.
func WithProgress(f func(sent, total int64)) Option { return func(o *callOptions) { o.progress = f } }

// WithBody sends body over HTTP as it is; the inputs are then in the URL. It is for actions that read the body themselves.
func WithBody(body io.Reader, contentType string) Option {
	return func(o *callOptions) { o.body, o.contentType = body, contentType }
}

// Auth returns a token that says who calls. It is called for each request over HTTP, and for each connect. If the server has
// refused the token, Auth is called once more with refused = true, and a new token is tried once. An empty token is not sent.
type Auth func(ctx context.Context, refused bool) (token string, err error)

// Token returns an Auth with a fixed token.
func Token(token string) Auth {
	return func(context.Context, bool) (string, error) { return token, nil }
}

const (
	defaultTimeout = 35 * time.Second // a little more than the server allows an action
	defaultRetries = 2
)

// call is a call with its retries.
type call struct {
	spec    *Spec
	options callOptions
	retries int
	body    *gate // of the last attempt over HTTP
	once    bool  // the body cannot be read again
}

// newCall returns the call with its options. retries is the number of the transport: 0 is the default, and less is none.
func newCall(spec *Spec, retries int, options []Option) *call {
	c := &call{spec: spec, retries: retries}
	for _, set := range options {
		set(&c.options)
	}
	if c.retries == 0 {
		c.retries = defaultRetries
	}
	if c.options.retries != nil {
		c.retries = *c.options.retries
	}
	if !spec.Idempotent && !spec.Keyed || c.options.body != nil {
		c.retries = 0
	}
	if spec.Keyed && c.options.key == "" {
		c.options.key = rand.Text()
	}
	return c
}

// run runs once, and again after an error that may be gone the next time, for as long as ctx allows.
func (c *call) run(ctx context.Context, once func(ctx context.Context) *Error) error {
	for attempt := 0; ; attempt++ {
		if ctx.Err() != nil {
			return c.ended(ctx)
		}
		err := once(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return c.ended(ctx)
		case attempt >= c.retries || !err.isTransient():
			return err
		}
		delay := backoff(attempt, 250*time.Millisecond, 10*time.Second)
		if err.CanRetry {
			delay = err.RetryAfter
		}
		if end, ok := ctx.Deadline(); ok && time.Until(end) <= delay {
			return err
		}
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return c.ended(ctx)
		}
	}
}

// ended returns the error of a call whose context has ended.
func (c *call) ended(ctx context.Context) *Error {
	err := context.Cause(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return c.spec.fail(CodeTimeout, "no answer within the time limit", err)
	}
	return c.spec.fail(CodeAborted, "the caller waits no longer", err)
}

func (e *Error) isTransient() bool {
	switch e.Code {
	case CodeNetwork, CodeUnavailable:
		return true
	case CodeResourceExhausted, CodeConflict:
		return e.CanRetry
	}
	return false
}

// backoff returns the delay before a further attempt. It doubles from low to high, and half of it is random.
func backoff(attempt int, low, high time.Duration) time.Duration {
	longest := high
	if attempt < bits.LeadingZeros64(uint64(low))-1 {
		longest = min(high, low<<attempt)
	}
	return longest/2 + time.Duration(mathrand.Int64N(int64(longest/2)+1))
}

// Optional is an input that may be absent, null or a value. The zero Optional is absent.
type Optional[T any] struct {
	set, null bool
	value     T
}

// Some returns an Optional with a value.
func Some[T any](value T) Optional[T] { return Optional[T]{set: true, value: value} }

// Null returns an Optional that is null.
func Null[T any]() Optional[T] { return Optional[T]{set: true, null: true} }

// IsZero reports whether the member is absent.
func (o Optional[T]) IsZero() bool { return !o.set }
