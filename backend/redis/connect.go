package redis

import (
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
var errFinal = errors.New("the server is refused")

// connect connects to the server and checks it. While the server is not reached, connect tries again until the time of
// the setting redis.wait has passed or ctx ends.
func (c *core) connect(ctx context.Context, addr *address) (*session, error) {
	waiting := ctx
	if c.config.Wait >= 0 {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, c.config.Wait)
		defer cancel()
	}
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		s, err := c.connectOnce(ctx, addr)
		if err == nil || errors.Is(err, errFinal) {
			return s, err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-waiting.Done():
			timer.Stop()
			err = fmt.Errorf("the Redis server at %s is not reached: %w; start it, or correct %s; redis.wait is the time for which a start waits for it: %w", addr, withoutContext(err), addr.from, errUnavailable)
			return nil, withEnd(ctx, err)
		}
	}
}

// connectOnce makes one attempt.
func (c *core) connectOnce(ctx context.Context, addr *address) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.ConnectTimeout)
	defer cancel()
	life, end := context.WithCancel(context.Background())
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
		return fmt.Errorf("the Redis server at %s: %s: %w: %w", addr, fmt.Sprintf(format, args...), errFinal, err)
	}
	if errors.Is(err, errFinal) {
		return err
	}
	if reply, ok := rueidis.IsRedisErr(err); ok {
		switch text := reply.Error(); {
		case codeOf(text) == "WRONGPASS":
			return final("correct redis.username and redis.password")
		case codeOf(text) == "NOAUTH":
			return final("it demands a password: set redis.password")
		case codeOf(text) == "NOPERM":
			return final("its access control list does not permit a command to the user %q", addr.username)
		case strings.Contains(text, "AUTH"):
			return final("it takes no password or no user name: correct redis.username and redis.password")
		case strings.Contains(text, "DB index"), strings.Contains(text, "SELECT"):
			return final("it has no database %d: correct redis.DB; a Cluster has only database 0", addr.db)
		}
		return err
	}
	var unknownCA x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	var invalid x509.CertificateInvalidError
	var noTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &unknownCA):
		return final("its certificate is of an unknown authority: name the file of the authority in redis.ca")
	case errors.As(err, &wrongName):
		return final("its certificate is for another name: set redis.serverName, or use that name as the host")
	case errors.As(err, &invalid):
		return final("its certificate is not valid")
	case errors.As(err, &noTLS):
		return final("it does not speak TLS at this port: set redis.tls to false, or use the port for TLS")
	}
	return err
}
