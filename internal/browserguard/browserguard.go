// Package browserguard decides which requests of browsers the server serves. A browser sends a request because some page
// asks for it, and any page on the web can ask. The package answers three questions:
//
//   - Has a page of another site sent the request? Then [Origins.Foreign] is true, and the request must have no effects.
//   - May a page of this origin connect, or read responses? See [Origins.Allow] and [Origins.SetCORS].
//   - Does the request name a host of this server? See [Hosts]. If not, an attacker may have pointed a name of its own at
//     the address of the server (DNS rebinding), so that browsers take the page of the attacker for one of the server.
//
// Requests of programs that are no browsers pass, because they have neither an Origin nor a Sec-Fetch-Site header. A
// browser sends Origin with every POST, PUT, PATCH and DELETE of a page of another origin. It sends Sec-Fetch-Site with
// every request to a server over HTTPS and to localhost. A GET over plain HTTP to another host has neither.
package browserguard

import (
	"net/http"
	"slices"
	"strings"
)

// Foreign reports whether a page of another origin has sent r, and o does not trust that origin. The rules are those of
// [http.CrossOriginProtection], but Foreign applies them to every method, because an action can have effects with each
// method:
//
//   - The header Sec-Fetch-Site decides if it is there: "same-origin" and "none" are the server's own pages and the
//     address bar.
//   - Otherwise the header Origin decides, which must be the server's own origin.
//
// A request of another origin is trusted if o lists its Origin and credentials is true: pages of the list may act in the
// name of their visitors. Otherwise, a request of a page of the list, or of any page if o has "*", is trusted only without
// credentials that the browser may have added. Any program can send that request.
func (o *Origins) Foreign(r *http.Request, credentials bool) bool {
	site, from := r.Header["Sec-Fetch-Site"], r.Header["Origin"]
	if len(site) == 0 && len(from) == 0 {
		return false
	}
	return o.foreign(r, site, from, credentials)
}

func (o *Origins) foreign(r *http.Request, site, from []string, credentials bool) bool {
	if len(site) == 1 && (site[0] == "same-origin" || site[0] == "none") {
		return false
	}
	origin, ok := originOf(from)
	switch {
	case ok && len(site) == 0 && o.owns(origin, r):
		return false
	case ok && o.lists(origin):
		return !credentials && hasAmbient(r)
	case o.any:
		return hasAmbient(r)
	}
	return true
}

// hasAmbient reports whether r carries credentials that a browser adds on its own: cookies, the certificate of a user, and
// the password of a user in Authorization. A browser adds no token with the scheme Bearer. The page itself knows the token
// and has sent it, for which the browser has asked the server with a preflight.
func hasAmbient(r *http.Request) bool {
	if r.Header["Cookie"] != nil || hasCertificate(r) {
		return true
	}
	return slices.ContainsFunc(r.Header["Authorization"], func(value string) bool { return !isBearer(value) })
}

// isBearer reports whether a header Authorization has the scheme Bearer.
func isBearer(value string) bool {
	scheme, _, _ := strings.Cut(value, " ")
	return strings.EqualFold(scheme, "Bearer")
}

func hasCertificate(r *http.Request) bool { return r.TLS != nil && len(r.TLS.PeerCertificates) > 0 }

// HasCredentials reports whether r carries credentials in its headers or a certificate, which a browser may have added.
func HasCredentials(r *http.Request) bool {
	return r.Header["Cookie"] != nil || r.Header["Authorization"] != nil || hasCertificate(r)
}
