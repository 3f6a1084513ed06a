package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync/atomic"
	"time"
)

// dialer makes the connections of a client.
type dialer struct {
	network    string
	tls        *tls.Config
	timeout    time.Duration
	through    func(addr string) string // see core.through
	life       context.Context          // of the session
	connecting atomic.Int32             // connections without a first answer
	open       openConnections
}

// dial makes a connection for the client library. ctx is the context of the call that needs it, which the library does
// not heed during the login. So the connection is closed if ctx ends before the first answer.
func (d *dialer) dial(ctx context.Context, addr string, _ *net.Dialer, _ *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(d.life, cancel)
	d.connecting.Add(1)
	n := &newConnection{dialer: d, login: func() { stop(); cancel(); d.connecting.Add(-1) }}
	limited, done := context.WithTimeout(ctx, d.timeout)
	defer done()
	var err error
	if n.Conn, err = d.connect(limited, addr); err != nil {
		n.login()
		return nil, err
	}
	n.heed = context.AfterFunc(ctx, func() { _ = n.Conn.Close() }) // its reader sees the end
	d.open.add(n)
	return n, nil
}

// newConnection notices the first answer of the server.
type newConnection struct {
	net.Conn
	dialer   *dialer
	answered atomic.Bool
	heed     func() bool // ends the heed of the context of dial
	login    func()      // ends the login
}

// Read implements net.Conn. Before the first answer, an error is one of the dialing: no command of a caller was sent.
func (n *newConnection) Read(p []byte) (int, error) {
	read, err := n.Conn.Read(p)
	if n.end() && err != nil {
		err = &net.OpError{Op: "dial", Net: n.RemoteAddr().Network(), Addr: n.RemoteAddr(), Err: err}
	}
	return read, err
}

// Write implements net.Conn. It lets other goroutines run before: those that have just had an answer add their next commands, so
// that a later write sends many. A write takes longer than many commands.
func (n *newConnection) Write(p []byte) (int, error) {
	runtime.Gosched()
	return n.Conn.Write(p)
}

// Close implements net.Conn.
func (n *newConnection) Close() error {
	n.end()
	n.dialer.open.remove(n)
	return n.Conn.Close()
}

// end ends the login. It returns true if that has not ended before.
func (n *newConnection) end() bool {
	first := !n.answered.Load() && n.answered.CompareAndSwap(false, true)
	if first {
		n.heed()
		n.login()
	}
	return first
}

// unhurried is a context without its deadline, but with its end. The client library would set a deadline for an idle
// connection, and close the connection at the deadline of one call, although others wait for their answers there.
type unhurried struct{ context.Context }

// Deadline implements context.Context.
func (unhurried) Deadline() (time.Time, bool) { return time.Time{}, false }

func (d *dialer) connect(ctx context.Context, addr string) (net.Conn, error) {
	if d.through != nil {
		addr = d.through(addr)
	}
	plain := net.Dialer{KeepAlive: 5 * time.Second}
	conn, err := plain.DialContext(ctx, d.network, addr)
	if err != nil || d.tls == nil {
		return conn, err
	}
	config := d.tls
	if config.ServerName == "" {
		config = config.Clone()
		if config.ServerName, _, err = net.SplitHostPort(addr); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	encrypted := tls.Client(conn, config)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		if ctx.Err() != nil {
			err = fmt.Errorf("no answer to the beginning of TLS, which a server without TLS does not know: %w", err)
		}
		return nil, &net.OpError{Op: "dial", Net: d.network, Addr: conn.RemoteAddr(), Err: err}
	}
	return encrypted, nil
}
