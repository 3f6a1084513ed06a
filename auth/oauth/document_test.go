package oauth_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/actionhero-go/actionhero/auth/oauth"
)

// library serves documents about clients at https://clients.example/.
type library struct {
	*httptest.Server
	fetches atomic.Int64
}

func newLibrary(t *testing.T) (*library, *http.Client) {
	l := new(library)
	l.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.fetches.Add(1)
		id := "https://clients.example" + r.URL.Path
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		body := `{"client_id":"` + id + `","client_name":"Library agent","redirect_uris":["` + callback + `","http://localhost:1/cb"]}`
		switch r.URL.Path {
		case "/other":
			body = strings.ReplaceAll(body, "/other", "/agent")
		case "/secret":
			body = `{"client_id":"` + id + `","client_secret":"x","redirect_uris":["` + callback + `"]}`
		case "/method":
			body = `{"client_id":"` + id + `","token_endpoint_auth_method":"private_key_jwt","redirect_uris":["` + callback + `"]}`
		case "/nowhere":
			body = `{"client_id":"` + id + `"}`
		case "/unsafe":
			body = `{"client_id":"` + id + `","redirect_uris":["javascript:alert(1)"]}`
		case "/html":
			w.Header().Set("Content-Type", "text/html")
		case "/long":
			body += strings.Repeat(" ", 5<<10)
		case "/list":
			body = `[]`
		case "/missing":
			w.WriteHeader(http.StatusNotFound)
		case "/moved":
			http.Redirect(w, r, "/agent", http.StatusFound)
			return
		}
		_, _ = fmt.Fprint(w, body)
	}))
	t.Cleanup(l.Close)
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, l.Listener.Addr().String())
		},
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
	}
	return l, &http.Client{Transport: transport}
}

// An agent whose id is the URL of a document about it needs no registration.
func TestAClientIsKnownByItsDocument(t *testing.T) {
	t.Parallel()
	l, reach := newLibrary(t)
	s := start(t, config().WithClient(reach))
	ann, c := s.login(t, "ann"), s.client(t)
	id := "client_id=https://clients.example/agent"
	s.browser(t).get("/authorize?"+query(id).Encode()).Want(t, 302, "")
	if n := l.fetches.Load(); n != 0 {
		t.Errorf("a visitor without a login makes the server fetch %d documents", n)
	}
	page := ann.get("/authorize?" + query(id, "redirect_uri=http://localhost:999/cb").Encode())
	page.Want(t, 200, "<b>Library agent</b> and comes from <b>clients.example</b>")
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			got := c.tokens(t, redemption(ann.code(t, id), id))
			c.call("read", got.Access).Want(t, 200, `"client":"https://clients.example/agent"`)
			c.tokens(t, renewal(got.Refresh, id))
		})
	}
	wg.Wait()
	if n := l.fetches.Load(); n != 1 {
		t.Errorf("the document was fetched %d times, want once", n)
	}
	for _, path := range []string{"other", "secret", "method", "nowhere", "unsafe", "html", "long", "list", "missing", "moved"} {
		got := ann.get("/authorize?" + query("client_id=https://clients.example/"+path).Encode())
		got.Want(t, 400, "no client has this id")
		if got.Header.Get("Location") != "" {
			t.Errorf("%s leads to %s", path, got.Header.Get("Location"))
		}
	}
	before := l.fetches.Load()
	ann.get("/authorize?"+query("client_id=https://clients.example/missing").Encode()).Want(t, 400, "")
	if l.fetches.Load() != before {
		t.Error("a failure is not remembered")
	}
	limited := false
	for i := range 30 {
		limited = limited || ann.get("/authorize?"+query(fmt.Sprint("client_id=https://clients.example/n/", i)).Encode()).StatusCode == 429
	}
	if !limited {
		t.Error("a user makes the server fetch without a limit")
	}
	cfg := config().WithClient(reach)
	cfg.NoClientDocuments = true
	s = start(t, cfg)
	s.login(t, "ann").get("/authorize?"+query(id).Encode()).Want(t, 400, "no client has this id")
	wantError(t, s.client(t).post("/token", redemption("x", id)), 401, "invalid_client")
}

// The server fetches nothing from inside its network.
func TestADocumentComesFromAPublicAddress(t *testing.T) {
	t.Parallel()
	for text, public := range map[string]bool{
		"93.184.216.34": true, "8.8.8.8": true, "2606:4700::1111": true, "::ffff:8.8.8.8": true,
		"127.0.0.1": false, "10.0.0.1": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false, "0.0.0.0": false,
		"255.255.255.255": false, "224.0.0.1": false, "240.0.0.1": false, "198.18.0.1": false, "192.0.2.1": false, "::": false, "::1": false, "fe80::1": false,
		"fe80::1%eth0": false, "fc00::1": false, "ff02::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false,
		"::127.0.0.1": false, "2001:db8::1": false, "fec0::1": false,
	} {
		if got := oauth.IsPublic(netip.MustParseAddr(text)); got != public {
			t.Errorf("%s is public: %t", text, got)
		}
	}
	for id, ok := range map[string]bool{
		"https://a.example/client": true, "https://a.example/client/": true, "https://a.example:8443/c.json?v=1": true,
		"http://a.example/client": false, "https://a.example": false, "https://a.example/": false, "https://a.example/a/../b": false, "https://a.example//b": false,
		"https://a.example/./b": false, "https://u@a.example/b": false, "https://a.example/b#c": false, "https://127.0.0.1/b": false, "https://[::1]/b": false,
		"https://a.example/b c": false, "https:///b": false, "https://a.example/" + strings.Repeat("a", 3000): false,
	} {
		if err := oauth.CheckDocumentURL(id); (err == nil) != ok {
			t.Errorf("%q: %v, want it to be allowed: %t", id, err, ok)
		}
	}
	l, _ := newLibrary(t) // listens on 127.0.0.1
	s := start(t, config())
	_, port, _ := net.SplitHostPort(l.Listener.Addr().String())
	s.login(t, "ann").get("/authorize?"+query("client_id=https://localhost:"+port+"/agent").Encode()).Want(t, 400, "its document cannot be fetched")
	if l.fetches.Load() != 0 {
		t.Error("the server has fetched a document from its own machine")
	}
}
