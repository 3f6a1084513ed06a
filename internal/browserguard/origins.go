package browserguard

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Origins is a list of web origins that an operator trusts in addition to the server's own origin. Browsers send the
// server's cookies with the requests of any page, so without a check of origins every page on the web could act in the
// name of its visitors. The zero value trusts only the server's own origin. A client that sends no Origin header and no
// Sec-Fetch-Site header is not a browser, or sends a request of its own page.
type Origins struct {
	// Forwarded returns the scheme and the host for which the client has asked a trusted proxy; empty values are unknown.
	// If Forwarded is nil, there are no trusted proxies.
	Forwarded func(r *http.Request) (scheme, host string)

	any      bool
	exact    map[string]struct{} // the keys are results of origin.String
	suffixes []origin            // the host is the part after the asterisk, with the leading dot
}

// NewOrigins parses a list of origins. An element is an origin like "https://example.com", with a port if it is not the
// default one, "https://*.example.com" for all subdomains, or "*" for every page. The scheme may belong to an app, as in
// "capacitor://localhost" or "chrome-extension://ID". NewOrigins returns an error for any other element; setting is
// the name of the setting for this error.
func NewOrigins(setting string, list []string) (Origins, error) {
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
			return Origins{}, fmt.Errorf("%s has %q: write an origin like https://example.com or https://*.example.com, or * for any", setting, text)
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

// Any reports whether the list has "*", so that it trusts pages of every origin.
func (o *Origins) Any() bool { return o.any }

// Allow reports whether the page that sent r belongs to the server or to an origin of the list, according to the header
// Origin. Requests without this header are allowed. If a proxy has changed the Host header and o.Forwarded does not know
// the first one, the Origin of the server's own pages is another one than Host says. Their requests are allowed if the
// browser sends Sec-Fetch-Site. A transport calls Allow for requests that open a connection, for which browsers always
// send Origin.
func (o *Origins) Allow(r *http.Request) bool {
	values, ok := r.Header["Origin"]
	if !ok || o.any {
		return true
	}
	if site := r.Header["Sec-Fetch-Site"]; len(site) == 1 && site[0] == "same-origin" {
		return true
	}
	origin, ok := originOf(values)
	return ok && (o.lists(origin) || o.owns(origin, r))
}

// Credentials returns the headers of a request that opens a connection. If only "*" in the list lets the page connect, they
// lack the cookies and passwords that the browser may have added: the page must not act in the name of its visitor, as
// over HTTP. The caller has called [Origins.Allow].
func (o *Origins) Credentials(r *http.Request) http.Header {
	if !o.any || !o.Foreign(r, true) {
		return r.Header
	}
	header := r.Header.Clone()
	header.Del("Cookie")
	header["Authorization"] = slices.DeleteFunc(header["Authorization"], func(value string) bool { return !isBearer(value) })
	return header
}

// TLS returns the state of the TLS connection of a request that opens a connection, without the certificates of the client
// if [Origins.Credentials] leaves out its cookies. It is nil without TLS.
func (o *Origins) TLS(r *http.Request) *tls.ConnectionState {
	if !o.any || !hasCertificate(r) || !o.Foreign(r, true) {
		return r.TLS
	}
	state := *r.TLS
	state.PeerCertificates, state.VerifiedChains = nil, nil
	return &state
}

// Lists reports whether text, the value of a header Origin, is an origin of the list. "*" in the list counts for every
// text.
func (o *Origins) Lists(text string) bool {
	if o.any {
		return true
	}
	origin, ok := parseOrigin(text)
	return ok && o.lists(origin)
}

func (o *Origins) lists(origin origin) bool {
	if _, ok := o.exact[origin.String()]; ok {
		return true
	}
	for _, s := range o.suffixes {
		if origin.scheme == s.scheme && origin.port == s.port && strings.HasSuffix(origin.host, s.host) && len(origin.host) > len(s.host) {
			return true
		}
	}
	return false
}

// SetCORS sets the response headers with which a browser lets the page that sent r read the response. The page of a
// listed origin, and a page of the server itself, may send cookies. If only "*" in the list allows the page, the page
// may read responses to requests without cookies. The caller has called [Origins.Allow].
func (o *Origins) SetCORS(header http.Header, r *http.Request) {
	header.Add("Vary", "Origin")
	values, ok := r.Header["Origin"]
	if !ok {
		return
	}
	if origin, ok := originOf(values); ok && (o.lists(origin) || o.owns(origin, r)) {
		header.Set("Access-Control-Allow-Origin", values[0])
		header.Set("Access-Control-Allow-Credentials", "true")
	} else if o.any {
		header.Set("Access-Control-Allow-Origin", "*")
	}
}

// originOf parses the values of the header Origin. If there is not exactly one value, or the value is no origin, ok is
// false.
func originOf(values []string) (o origin, ok bool) {
	if len(values) != 1 {
		return o, false
	}
	return parseOrigin(values[0])
}

// origin is a web origin (RFC 6454), in lower case. An origin of the web always has a port.
type origin struct{ scheme, host, port string }

func (o origin) String() string { return o.scheme + "://" + o.host + ":" + o.port }

// owns reports whether own is the server's own origin, according to the Host header of r or the host that a trusted proxy
// has forwarded. If the client uses TLS, the scheme of own must be "https". If the request came without TLS and no trusted
// proxy says more, "http" and "https" are both allowed, because a proxy may have terminated TLS. A proxy that says "http"
// may be behind another one that terminates TLS.
func (o *Origins) owns(own origin, r *http.Request) bool {
	if own.scheme != "https" && own.scheme != "http" {
		return false
	}
	var scheme, host string
	if o.Forwarded != nil {
		scheme, host = o.Forwarded(r)
	}
	if secure := scheme == "https" || scheme == "" && r.TLS != nil; secure && own.scheme != "https" {
		return false
	}
	return own.isAt(r.Host) || host != "" && own.isAt(host)
}

// isAt reports whether o is the origin of a server with this Host header.
func (o origin) isAt(host string) bool {
	self, ok := parseOrigin(o.scheme + "://" + host)
	return ok && self == o
}

// defaultPorts has the ports of the schemes of the web. The schemes of apps have none.
var defaultPorts = map[string]string{"http": "80", "https": "443"}

// pageless has schemes that no page has. An origin with one of these schemes is a mistake in a list.
var pageless = map[string]bool{"": true, "file": true, "ftp": true, "ws": true, "wss": true}

// parseOrigin parses an origin of the form scheme://host or scheme://host:port. ok is false for any other text, for
// example for "null" and for an origin with the name of a user.
func parseOrigin(text string) (o origin, ok bool) {
	if len(text) > 300 || strings.ContainsAny(text, "@?#\\ \t") {
		return o, false
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Path != "" || u.Opaque != "" || u.User != nil {
		return o, false
	}
	o = origin{scheme: strings.ToLower(u.Scheme), host: strings.ToLower(u.Hostname()), port: u.Port()}
	if pageless[o.scheme] || o.host == "" || strings.HasSuffix(u.Host, ":") {
		return o, false
	}
	if o.port == "" {
		o.port = defaultPorts[o.scheme]
	}
	return o, true
}
