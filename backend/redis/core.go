package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/chaos/probe"
	"github.com/actionhero-go/actionhero/internal/setting"
)

var started = time.Now()

// uptime returns the time since the start of the process. Unlike the time of the wall clock, it has no steps.
func uptime() time.Duration { return time.Since(started) }

// core is the connection to the server, which the store, the broker and the queue share. Its methods may be called
// concurrently. Before open and after close they fail with [backend.ErrClosed].
//
//   - do sends a command, and run a script. Both repeat commands by the rules of repeat.go.
//   - key and channel make names; see names.go.
//   - life is a context that ends with close. Goroutines of a part begin with core.spawn, and close waits for them.
//   - now is the clock of the server.
type core struct {
	config  Config
	through func(addr string) string // in tests: the address to dial in place of the address of a server
	hooks   probe.Hooks              // nil except in a chaos run
	opening sync.Mutex               // serializes open and close
	session atomic.Pointer[session]
	undoing atomic.Int64
	away    atomic.Bool  // an outage of the server is in the log: see outage.go
	ending  sync.RWMutex // held by spawn and, for writing, while session becomes nil
}

// session is everything that exists between open and close.
type session struct {
	client  rueidis.Client
	dialer  *dialer
	addr    *address
	cluster bool         // the server is a Redis Cluster: use SSUBSCRIBE and SPUBLISH
	db      int          // the number of the database
	offset  atomic.Int64 // the clock of the server minus the clock of this process, in microseconds

	life context.Context
	end  context.CancelFunc
	wg   sync.WaitGroup
}

func newCore(config Config) *core {
	setting.Fill(&config)
	setting.Fill(&config.Queue)
	if config.Log == nil {
		config.Log = slog.Default()
	}
	return &core{config: config, through: probe.Redis.Through, hooks: probe.Redis}
}

// open connects to the server, and waits for it as the setting redis.wait says.
func (c *core) open(ctx context.Context) error {
	c.opening.Lock()
	defer c.opening.Unlock()
	if c.session.Load() != nil {
		return errors.New("the backend is open already: close it before opening it again, and give each API its own backend")
	}
	if err := cmp.Or(c.config.check(), setting.Check("tasks", &c.config.Queue)); err != nil {
		return err
	}
	addr, err := c.config.address(os.Getenv)
	if err != nil {
		return err
	}
	s, err := c.connect(ctx, addr)
	if err != nil {
		return err
	}
	c.away.Store(false)
	c.session.Store(s)
	return nil
}

// close ends all goroutines that spawn has started, and closes the connections. Without open it does nothing.
func (c *core) close() {
	c.opening.Lock()
	defer c.opening.Unlock()
	c.ending.Lock()
	s := c.session.Swap(nil)
	c.ending.Unlock() // a goroutine for which close waits may call spawn
	if s == nil {
		return
	}
	s.end()
	s.wg.Wait()
	s.client.Close()
}

// current returns the session, or [backend.ErrClosed].
func (c *core) current() (*session, error) {
	if s := c.session.Load(); s != nil {
		return s, nil
	}
	return nil, backend.ErrClosed
}

// spawn runs f in a goroutine. The context of f ends when the backend closes, and close waits for f. If the backend is
// closed, spawn returns false. A goroutine that spawn has started may call spawn.
func (c *core) spawn(f func(ctx context.Context, s *session)) bool {
	c.ending.RLock()
	defer c.ending.RUnlock()
	s := c.session.Load()
	if s == nil {
		return false
	}
	s.wg.Go(func() { f(s.life, s) })
	return true
}

// readClock compares the clocks. Of the masters of a Cluster it takes any one. Each heartbeat compares them again.
func (s *session) readClock(ctx context.Context) error {
	before := time.Now()
	fields, err := s.client.Do(unhurried{ctx}, s.client.B().Time().Build()).AsStrSlice()
	if err != nil {
		return err
	}
	if len(fields) != 2 {
		return fmt.Errorf("the server answers TIME with %q", fields)
	}
	seconds, err1 := strconv.ParseInt(fields[0], 10, 64)
	micros, err2 := strconv.ParseInt(fields[1], 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	s.compareClock(before, seconds*1e6+micros)
	return nil
}

// compareClock stores the difference between the clocks: server is the time of the server in µs, in an answer to a command
// that was sent at the time sent.
func (s *session) compareClock(sent time.Time, server int64) {
	s.offset.Store(server - sent.Add(time.Since(sent)/2).UnixMicro())
}

// now returns the time by the clock of the server, which is exact to about the time of a round trip. Times that decide
// about leases and locks come from scripts instead.
func (s *session) now() time.Time {
	return time.Now().Add(time.Duration(s.offset.Load()) * time.Microsecond)
}
