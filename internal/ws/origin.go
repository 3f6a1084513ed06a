package ws

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Origins says which web pages may connect. Browsers send cookies along to any server that a page names, so a server
// that did not look would let every page on the web act for its visitors. The zero value lets in pages of the
// server's own origin. A client that sends no Origin is not a browser, and may connect.
type Origins struct {
	any      bool
	exact    map[string]struct{} // as origin.String has them
	suffixes []origin            // whose host is what follows the asterisk, with its dot
}

// NewOrigins reads a list of origins whose pages may connect, besides the server's own: "https://example.com", with a
// port if it is not the usual one, "https://*.example.com" for all below it, "*" for any page at all.
func NewOrigins(list []string) (Origins, error) {
	var o Origins
	for _, text := range list {
		if text == "*" {
			o.any = true
			continue
		}
		plain, wild := strings.CutPrefix(strings.ToLower(text), "https://*.")
		scheme := "https://"
		if !wild {
			if plain, wild = strings.CutPrefix(strings.ToLower(text), "http://*."); wild {
				scheme = "http://"
			}
		}
		if !wild {
			plain, scheme = text, ""
		}
		origin, ok := parseOrigin(scheme + plain)
		if !ok || strings.Contains(origin.host, "*") {
			return Origins{}, fmt.Errorf("webSockets.origins has %q: write an origin like https://example.com or https://*.example.com, or * for any", text)
		}
		if wild {
			origin.host = "." + origin.host
			o.suffixes = append(o.suffixes, origin)
			continue
		}
		if o.exact == nil {
			o.exact = map[string]struct{}{}
		}
		o.exact[origin.String()] = struct{}{}
	}
	return o, nil
}

// Any reports whether every page may connect.
func (o *Origins) Any() bool { return o.any }

// Allow reports whether the page that r comes from may connect.
func (o *Origins) Allow(r *http.Request) bool {
	values, ok := r.Header["Origin"]
	if !ok || o.any {
		return true
	}
	if len(values) != 1 {
		return false
	}
	origin, ok := parseOrigin(values[0])
	if !ok {
		return false
	}
	if _, ok := o.exact[origin.String()]; ok {
		return true
	}
	for _, s := range o.suffixes {
		if origin.scheme == s.scheme && origin.port == s.port && strings.HasSuffix(origin.host, s.host) && len(origin.host) > len(s.host) {
			return true
		}
	}
	return origin.own(r)
}

// origin is a web origin (RFC 6454), in lower case and with its port.
type origin struct{ scheme, host, port string }

func (o origin) String() string { return o.scheme + "://" + o.host + ":" + o.port }

// own reports whether o is the server's own origin, as the client names the server. Behind TLS the page must have come
// over TLS as well; without it, TLS may have ended at a proxy.
func (o origin) own(r *http.Request) bool {
	if r.TLS != nil && o.scheme != "https" {
		return false
	}
	self, ok := parseOrigin(o.scheme + "://" + r.Host)
	return ok && self == o
}

var usualPorts = map[string]string{"http": "80", "https": "443"}

// parseOrigin reads scheme://host or scheme://host:port, and nothing else.
func parseOrigin(text string) (o origin, ok bool) {
	if len(text) > 300 || strings.ContainsAny(text, "@?#\\ \t") {
		return o, false
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Path != "" || u.Opaque != "" || u.User != nil {
		return o, false
	}
	o = origin{scheme: strings.ToLower(u.Scheme), host: strings.ToLower(u.Hostname()), port: u.Port()}
	usual, known := usualPorts[o.scheme]
	if !known || o.host == "" || strings.HasSuffix(u.Host, ":") {
		return o, false
	}
	if o.port == "" {
		o.port = usual
	}
	return o, true
}
