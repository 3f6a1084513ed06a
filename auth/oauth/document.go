package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	maxDocument     = 5 << 10         // bytes of a document about a client
	documentTimeout = 5 * time.Second // of one fetch
	maxDocuments    = 256             // that a node remembers
	minFresh        = 5 * time.Minute // for which a document counts, whatever its server says
	maxFresh        = 24 * time.Hour
	failedFresh     = time.Minute // for which a failure counts
)

// documents fetches the documents about clients whose id is a URL (draft-ietf-oauth-client-id-metadata-document), and
// remembers them.
type documents struct {
	client *http.Client

	mu    sync.Mutex
	known map[string]*document
}

type document struct {
	done   chan struct{} // closed when the others are set
	client *client
	err    error
	until  time.Time
}

// newDocuments returns documents that are fetched by the client; nil: by one that reaches public addresses only.
func newDocuments(with *http.Client) *documents {
	if with == nil {
		dialer := &net.Dialer{Timeout: documentTimeout, Control: onlyPublic}
		with = &http.Client{Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: documentTimeout, MaxResponseHeaderBytes: 16 << 10,
			DisableKeepAlives: true, ForceAttemptHTTP2: true,
		}}
	}
	with.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	with.Timeout = documentTimeout
	return &documents{client: with, known: map[string]*document{}}
}

// onlyPublic refuses a connection to an address that is not public. It gets the address after the name was looked up, so a name
// cannot lead to a service inside (server-side request forgery).
func onlyPublic(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if !isPublic(ap.Addr()) {
		return errors.New("the address is not public")
	}
	return nil
}

// special are the prefixes that are not public, besides those that package netip knows (RFC 6890 and its registry).
var special = func() (list []netip.Prefix) {
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}()

func isPublic(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false
	}
	for _, prefix := range special {
		if prefix.Contains(addr) {
			return false
		}
	}
	return true
}

// checkDocumentURL returns an error unless id may be the URL of a document: https, with a path, and in its shortest form.
func checkDocumentURL(id string) error {
	u, err := url.Parse(id)
	switch {
	case err != nil || len(id) > maxURI || u.Scheme != "https" || u.Host == "" || u.User != nil || strings.ContainsAny(id, "#\\ "):
		return errors.New("the id of the client is not an https URL")
	case !hostPattern.MatchString(u.Host):
		return errors.New("the id of the client has a host with other characters than letters, digits and . _ -: write it as xn--")
	case u.Path == "" || u.Path == "/":
		return errors.New("the id of the client is a URL without a path")
	case path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/"):
		return errors.New("the id of the client has a path with empty segments or dots")
	case strings.Trim(u.Host, "[]:.0123456789abcdefABCDEF") == "" && isAddress(u.Hostname()):
		return errors.New("the id of the client has an address in place of a host name")
	}
	return nil
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// get returns the client with the id. If its document must be fetched, allow is asked first.
func (d *documents) get(ctx context.Context, id string, allow func() error) (*client, error) {
	if err := checkDocumentURL(id); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoClient, err)
	}
	d.mu.Lock()
	known := d.known[id]
	fetch := known == nil || isDone(known) && time.Now().After(known.until)
	if fetch {
		if err := allow(); err != nil {
			d.mu.Unlock()
			return nil, err
		}
		known = d.add(id)
	}
	d.mu.Unlock()
	if fetch {
		go d.fetch(id, known)
	}
	select {
	case <-known.done:
		return known.client, known.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func isDone(d *document) bool {
	select {
	case <-d.done:
		return true
	default:
		return false
	}
}

// add makes an entry for the id, and forgets others if there are too many. The caller holds d.mu.
func (d *documents) add(id string) *document {
	for other, has := range d.known {
		if len(d.known) < maxDocuments {
			break
		}
		if isDone(has) {
			delete(d.known, other) // any one: the order of a map is random
		}
	}
	entry := &document{done: make(chan struct{})}
	d.known[id] = entry
	return entry
}

// fetch fetches a document. It counts for all who wait for it, so no context of one of them ends it, but the time limit does.
func (d *documents) fetch(id string, into *document) {
	fresh := failedFresh
	defer func() {
		into.until = time.Now().Add(fresh)
		close(into.done)
	}()
	into.err = fmt.Errorf("%w: its document cannot be fetched", errNoClient)
	r, err := http.NewRequest(http.MethodGet, id, nil)
	if err != nil {
		return
	}
	r.Header.Set("Accept", "application/json")
	answer, err := d.client.Do(r)
	if err != nil {
		return // the reason would tell a stranger about the network
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxDocument+1))
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	switch {
	case err != nil || answer.StatusCode != http.StatusOK:
		return
	case len(text) > maxDocument:
		into.err = fmt.Errorf("%w: its document has more than %d bytes", errNoClient, maxDocument)
		return
	case kind != "application/json" && !strings.HasSuffix(kind, "+json"):
		into.err = fmt.Errorf("%w: its document is not JSON", errNoClient)
		return
	}
	into.client, into.err = parseDocument(id, text)
	if into.err == nil {
		fresh = freshFor(answer.Header)
	}
}

// parseDocument returns the client that the document at the id describes.
func parseDocument(id string, text []byte) (*client, error) {
	var doc struct {
		ClientID string  `json:"client_id"`
		Secret   *string `json:"client_secret"`
		metadata
	}
	if json.Unmarshal(text, &doc) != nil {
		return nil, fmt.Errorf("%w: its document is not a JSON object with the members of RFC 7591", errNoClient)
	}
	switch {
	case doc.ClientID != id:
		return nil, fmt.Errorf("%w: its document has another client_id", errNoClient)
	case doc.Secret != nil:
		return nil, fmt.Errorf("%w: its document has a client_secret", errNoClient)
	case doc.Method != "" && doc.Method != "none":
		return nil, fmt.Errorf("%w: its document has the token_endpoint_auth_method %.50q, but only none is supported", errNoClient, doc.Method)
	}
	c, err := doc.client()
	if err != nil {
		return nil, fmt.Errorf("%w: its document: %w", errNoClient, err)
	}
	c.ID, c.stranger = id, true
	return c, nil
}

// freshFor returns for how long an answer counts (RFC 9111, 5.2).
func freshFor(h http.Header) time.Duration {
	for directive := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return minFresh
		case "max-age":
			if seconds, err := strconv.Atoi(strings.Trim(value, `"`)); err == nil {
				return min(max(time.Duration(min(seconds, 1<<30))*time.Second, minFresh), maxFresh)
			}
		}
	}
	return minFresh
}
