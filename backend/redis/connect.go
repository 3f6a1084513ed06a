package redis

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// errFinal is wrapped by the errors of a connection that a later attempt would meet again: a person has to change
// something first.
var errFinal = errors.New("the start is refused")

// refusal is an error with a text for a person. It wraps errFinal and the cause.
type refusal struct {
	text  string
	cause error
}

func (r refusal) Error() string   { return r.text }
func (r refusal) Unwrap() []error { return []error{errFinal, r.cause} }

// connect connects to the server and checks it. While the server is not reached, connect tries again until the time of
// the setting redis.wait has passed or ctx ends.
func (c *core) connect(ctx context.Context, addr *address) (*session, error) {
	waiting := ctx
	if c.config.Wait >= 0 {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, c.config.Wait)
		defer cancel()
	}
	begin, said := uptime(), false
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		s, err := c.connectOnce(ctx, addr)
		if err == nil || errors.Is(err, errFinal) {
			return s, err
		}
		if !said && uptime()-begin > sayWaiting && waiting.Err() == nil {
			said = true
			c.config.Log.Warn("the Redis server is not reached yet: this start waits for it, see redis.wait", "server", addr.String(), "error", err.Error(), "wait", waitText(c.config.Wait))
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-waiting.Done():
			timer.Stop()
			text := fmt.Sprintf("the Redis server at %s is not reached: %v; start it, or correct %s", addr, err, addr.from)
			if c.config.Wait != 0 {
				text += fmt.Sprintf("; a start waits %s for it, see redis.wait", waitText(c.config.Wait))
			}
			return nil, withEnd(ctx, opaque{errors.New(text), errUnavailable})
		}
	}
}

// sayWaiting is the time after which the log says that a start waits for the server.
const sayWaiting = 500 * time.Millisecond

func waitText(wait time.Duration) string {
	if wait < 0 {
		return "without an end"
	}
	return wait.String()
}

// connectOnce makes one attempt.
func (c *core) connectOnce(ctx context.Context, addr *address) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.ConnectTimeout)
	defer cancel()
	life, end := context.WithCancel(context.WithValue(context.Background(), lifeKey{}, true))
	opened := context.AfterFunc(ctx, end) // the client library does not take the context of the start
	d := &dialer{network: addr.network, tls: addr.tls, timeout: c.config.ConnectTimeout, through: c.through, life: life}
	client, err := rueidis.NewClient(c.options(addr, d))
	if err != nil {
		end()
		if client != nil {
			client.Close()
		}
		return nil, explainConnect(addr, err)
	}
	s := &session{client: client, dialer: d, addr: addr, db: addr.db, cluster: client.Mode() == rueidis.ClientModeCluster, life: life, end: end}
	if err = c.inspect(ctx, s); err == nil {
		err = s.readClock(ctx)
	}
	if !opened() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		end()
		client.Close()
		return nil, explainConnect(addr, err)
	}
	return s, nil
}

func (c *core) options(addr *address, d *dialer) rueidis.ClientOption {
	return rueidis.ClientOption{
		InitAddress: addr.hosts, Username: addr.username, Password: addr.password, SelectDB: addr.db,
		ClientName: "actionhero:" + c.config.Prefix,
		DialCtxFn:  d.dial,
		TLSConfig:  addr.tls, // chooses the ports of a Cluster; the dialer encrypts
		Dialer:     net.Dialer{Timeout: c.config.ConnectTimeout, KeepAlive: 5 * time.Second},
		Sentinel:   c.sentinelOptions(addr),
		// A connection that does not answer a PING within this time is closed.
		ConnWriteTimeout: c.config.Timeout,
		// The two connections of a node to a server share the load; each sends a PING when it is idle for 5 s.
		PipelineMultiplex: 1,
		ClusterOption:     rueidis.ClusterOption{MaxMovedRedirections: 16},
		DisableRetry:      true, // repeat.go repeats commands
		DisableCache:      c.config.LocalCache <= 0,
		ForceSingleClient: addr.network == "unix",
		ShuffleInit:       len(addr.hosts) > 1,
	}
}

func (c *core) sentinelOptions(addr *address) rueidis.SentinelOption {
	if len(c.config.Sentinels) == 0 {
		return rueidis.SentinelOption{}
	}
	return rueidis.SentinelOption{
		MasterSet: c.config.MasterName, Username: c.config.SentinelUsername, Password: c.config.SentinelPassword, TLSConfig: addr.tls,
		Dialer: net.Dialer{Timeout: c.config.ConnectTimeout, KeepAlive: 5 * time.Second},
	}
}

// explainConnect adds the remedy to an error of a first connection. Errors that need a person wrap errFinal.
func explainConnect(addr *address, err error) error {
	final := func(format string, args ...any) error {
		return refusal{fmt.Sprintf("the Redis server at %s: %s", addr, fmt.Sprintf(format, args...)), err}
	}
	if errors.Is(err, errFinal) {
		return err
	}
	if reply, ok := rueidis.IsRedisErr(err); ok {
		switch text := reply.Error(); {
		case codeOf(text) == "WRONGPASS":
			return final("it does not know the user %q with this password: correct %s", cmp.Or(addr.username, "default"), addr.login)
		case codeOf(text) == "NOAUTH":
			return final("it demands a password: set redis.password, or put the password into redis.url or REDIS_URL")
		case codeOf(text) == "NOPERM":
			return final("%s; it answers %q", addr.permission(text), text)
		case strings.Contains(text, "AUTH"):
			return final("it takes no password or no user name: correct %s; it answers %q", addr.login, text)
		case strings.Contains(text, "DB index"), strings.Contains(text, "SELECT"):
			return final("it has no database %d: correct %s; a Cluster has only database 0", addr.db, addr.database)
		}
		return err
	}
	var unknownCA x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	var invalid x509.CertificateInvalidError
	var noTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &unknownCA):
		return final("its certificate is of an unknown authority: name the file of the authority in redis.ca (%v)", err)
	case errors.As(err, &wrongName):
		return final("its certificate is for another name: set redis.serverName, or use that name as the host (%v)", err)
	case errors.As(err, &invalid):
		return final("its certificate is not valid (%v): renew it", err)
	case errors.As(err, &noTLS):
		return final("it does not speak TLS at this port: set redis.tls to false, or use the port for TLS (%v)", err)
	}
	return err
}
