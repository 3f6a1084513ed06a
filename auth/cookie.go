package auth

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/cookie"
)

// idBytes is the number of random bytes of the id of a session. idLength is the number of characters of the cookie.
const idBytes, idLength = 32, 43

// newID returns the id of a new session.
func newID() string {
	var b [idBytes]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// isID reports whether text has the form of an id of a session.
func isID(text string) bool {
	if len(text) != idLength {
		return false
	}
	for i := range idLength {
		if !idByte[text[i]] {
			return false
		}
	}
	return true
}

// idByte marks the bytes of an id. One lookup is quicker than comparisons, and each request has an id.
var idByte = func() (set [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		set[c] = true
	}
	return set
}()

// nameOf returns the name of the cookie of a session that was made over plain HTTP, or over HTTPS.
func (s *Sessions) nameOf(plain bool) string {
	if plain {
		return s.plain
	}
	return s.host
}

// sent returns the id of the session in the header Cookie, and whether it is in the cookie for plain HTTP. The cookie for
// HTTPS wins: no page and no other host can set it. A cookie that has not the form of an id belongs to another app. If the
// header has two different ids under one name, another page or host has set one of them, and neither counts.
func (s *Sessions) sent(header string) (id string, plain bool) {
	var overPlain string
	twice, twicePlain := false, false
	for {
		name, text, rest, ok := cookie.Next(header)
		if !ok {
			break
		}
		header = rest
		if name != s.host && name != s.plain {
			continue
		}
		value, ok := cookie.Value(text)
		switch {
		case !ok || !isID(value):
		case name == s.host:
			twice = twice || id != "" && id != value
			id = value
		default:
			twicePlain = twicePlain || overPlain != "" && overPlain != value
			overPlain = value
		}
	}
	switch {
	case id != "" && twice || id == "" && twicePlain:
		return "", false
	case id != "":
		return id, false
	}
	return overPlain, true
}

// credential returns the id of the session in the cookie that counts for a request or a connection, or "".
func (s *Sessions) credential(c *actionhero.Credentials) (id string, plain bool) {
	if c.Request != nil {
		if fast, ok := c.Request.Extra.(interface {
			RequestCookies() (line string, https bool)
		}); ok {
			line, https := fast.RequestCookies()
			if id, plain = s.sent(line); plain && https {
				return "", false
			}
			return id, plain
		}
	}
	if id, plain = s.sent(c.Header("Cookie")); id != "" && plain && s.overHTTPS(c) {
		return "", false
	}
	return id, plain
}

// overHTTPS reports whether the client has asked by HTTPS. The cookie for plain HTTP then does not count: any subdomain,
// and any network on the way of a request over plain HTTP, can have planted it.
func (s *Sessions) overHTTPS(c *actionhero.Credentials) bool {
	if c.TLS() != nil {
		return true
	}
	if c.Request == nil { // a proxy may have ended TLS, but a page over HTTPS says so
		return !s.cfg.PlainHTTP && strings.HasPrefix(strings.ToLower(c.Header("Origin")), "https:")
	}
	target, ok := c.Request.Extra.(carrier)
	if !ok {
		return false
	}
	scheme, _ := target.RequestTarget()
	return scheme == "https"
}

// carrier has the methods of actionhero.Request.Extra over HTTP that a login needs.
type carrier interface {
	AddResponseHeader(name, value string)
	RequestTarget() (scheme, host string)
}

func setCookie(req *actionhero.Request, name, id string, plain bool, life time.Duration) {
	addCookie(req, &http.Cookie{Name: name, Value: id, MaxAge: max(int(life.Seconds()), 1)}, plain)
}

// deleteCookie makes the client forget the cookie.
func deleteCookie(req *actionhero.Request, name string, plain bool) {
	addCookie(req, &http.Cookie{Name: name, MaxAge: -1}, plain)
}

func addCookie(req *actionhero.Request, c *http.Cookie, plain bool) {
	c.Path, c.HttpOnly, c.Secure, c.SameSite = "/", true, !plain, http.SameSiteLaxMode
	if h, ok := req.Extra.(carrier); ok {
		h.AddResponseHeader("Set-Cookie", c.String())
	}
}

// isLocal reports whether a browser on this machine has sent the request to this machine, so that no network sees its
// cookies. A proxy may hide from which host its clients come. The header Origin, which browsers send with a login, has the
// host that they see.
func isLocal(req *actionhero.Request, host string) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
		if req.Header(name) != "" {
			return false
		}
	}
	if origin := req.Header("Origin"); origin != "" && origin != "null" {
		from, err := url.Parse(origin)
		if err != nil || from.Scheme != "http" || !isLocalHost(from.Host) {
			return false
		}
	}
	return isLocalHost(host)
}

// isLocalHost reports whether a host with an optional port is a name or an address of this machine.
func isLocalHost(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.Unmap().IsLoopback()
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}
