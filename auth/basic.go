package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/browserguard"
	"github.com/actionhero-go/actionhero/limit"
)

// BasicConfig is the declaration of HTTP Basic authentication, for [Basic].
type BasicConfig struct {
	Realm string // browsers show it; printable ASCII without quotation marks and backslashes; required
	// Check returns the caller with this name and password. It is called for each request over HTTP, and once for each
	// WebSocket. For a wrong pair, return an actionhero.Error of CodeUnauthenticated. If Check returns the zero Identity,
	// the pair is wrong, too. Any other error means that the pair cannot be checked now. Required.
	Check func(ctx context.Context, user, password string) (actionhero.Identity, error)
	// PlainHTTP allows passwords over plain HTTP also from other hosts than localhost. Any network on the way can then read
	// them.
	PlainHTTP bool
}

const (
	maxBasic     = 4 << 10          // bytes of the credentials
	provenFor    = 10 * time.Minute // a right pair costs no attempt for this time after its last check
	maxProven    = 4096             // remembered right pairs
	basicWindow  = 15 * time.Minute
	basicPerUser = 20
	basicPerIP   = 100
)

// Basic returns a part that knows callers by HTTP Basic authentication (RFC 7617): over HTTPS, and over plain HTTP on
// localhost. A client sends its password with each request, so prefer [Keys] for programs and sessions for browsers.
//
// Each node allows 20 attempts for one name and 100 from one address in 15 minutes. A pair that was right in the last 10
// minutes costs no attempt, so an attacker does not lock out a client that is in use. Beyond the limit, the error is
// CodeResourceExhausted.
func Basic(cfg BasicConfig) actionhero.Part {
	b := &basic{cfg: cfg, proven: map[[sha256.Size]byte]time.Time{}}
	_, _ = rand.Read(b.secret[:])
	b.perUser = limit.New(limit.Limit{Name: "passwords", Events: basicPerUser, Per: basicWindow})
	b.perIP = limit.New(limit.Limit{Name: "passwords", Events: basicPerIP, Per: basicWindow})
	wrong := needed(cfg.Check != nil)
	if !isRealm(cfg.Realm) {
		wrong = fmt.Errorf("BasicConfig.Realm is %q: use printable ASCII without quotation marks and backslashes", cfg.Realm)
	}
	return scheme("basic", `Basic realm="`+cfg.Realm+`", charset="UTF-8"`, wrong, b.authenticate,
		actionhero.SecurityScheme{Name: "basic", Type: "http", Scheme: "basic", Description: "A name and a password."})
}

// isRealm reports whether the text can stand in a quoted string of a header.
func isRealm(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
}

type basic struct {
	cfg            BasicConfig
	perUser, perIP *limit.Limiter
	secret         [32]byte // of the keys of proven
	refusals       browserguard.Refusals

	mu     sync.Mutex
	proven map[[sha256.Size]byte]time.Time // the ends of right pairs, by their HMAC
}

var (
	errWrongPassword = invalid("the name or the password is wrong")
	errPlainPassword = actionhero.Errorf(actionhero.CodePermissionDenied, "a password needs HTTPS")
)

func (b *basic) authenticate(ctx context.Context, c *actionhero.Credentials) (actionhero.Identity, error) {
	encoded, given := withScheme("Basic", c.Header("Authorization"))
	if !given {
		return actionhero.Identity{}, nil
	}
	if !b.cfg.PlainHTTP && !isProtected(c) {
		b.refusals.Warn(c.API.Log(), "a password over plain HTTP was refused: use HTTPS, or list the proxy that ends it in commonWeb.trustedProxies", "from", c.RemoteIP())
		return actionhero.Identity{}, errPlainPassword
	}
	user, password, ok := parseBasic(encoded)
	if !ok {
		return actionhero.Identity{}, errWrongPassword
	}
	pair := b.pairOf(user, password)
	if !b.isProven(pair) {
		if err := errors.Join(b.perIP.Allow(ctx, limit.Address(c.RemoteIP())), b.perUser.Allow(ctx, "user:"+user)); err != nil {
			return actionhero.Identity{}, err
		}
	}
	who, err := b.cfg.Check(ctx, user, password)
	if err == nil && !who.Known() {
		err = errWrongPassword
	}
	b.remember(pair, err == nil)
	return who, asInvalid(err)
}

// isProtected reports whether the client's credentials are encrypted on their way, or do not leave its machine.
func isProtected(c *actionhero.Credentials) bool {
	if c.TLS() != nil {
		return true
	}
	if c.Request == nil {
		return c.Conn.Remote.Addr().Unmap().IsLoopback()
	}
	target, ok := c.Request.Extra.(interface {
		RequestTarget() (scheme, host string)
	})
	if !ok {
		return true // a test
	}
	scheme, host := target.RequestTarget()
	return scheme == "https" || isLocal(c.Request, host)
}

// parseBasic returns the name and the password of the credentials.
func parseBasic(encoded string) (user, password string, ok bool) {
	if len(encoded) > maxBasic {
		return "", "", false
	}
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(text), ":")
}

// pairOf returns the key of a pair in proven. It hides the pair from a dump of the memory.
func (b *basic) pairOf(user, password string) (key [sha256.Size]byte) {
	mac := hmac.New(sha256.New, b.secret[:])
	mac.Write([]byte(user + ":" + password)) // a name has no colon
	mac.Sum(key[:0])
	return key
}

func (b *basic) isProven(pair [sha256.Size]byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	end, ok := b.proven[pair]
	return ok && time.Now().Before(end)
}

// remember stores whether the pair is right.
func (b *basic) remember(pair [sha256.Size]byte, right bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !right {
		delete(b.proven, pair)
		return
	}
	now := time.Now()
	if _, has := b.proven[pair]; !has && len(b.proven) >= maxProven {
		maps.DeleteFunc(b.proven, func(_ [sha256.Size]byte, end time.Time) bool { return !now.Before(end) })
	}
	if _, has := b.proven[pair]; has || len(b.proven) < maxProven {
		b.proven[pair] = now.Add(provenFor)
	}
}
