package auth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// authority signs certificates of clients.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	key, cert, _ := issue(t, template, template, nil)
	return authority{cert, key}
}

func issue(t testing.TB, template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (key *ecdsa.PrivateKey, cert *x509.Certificate, der []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if signer == nil {
		signer = key
	}
	if der, err = x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer); err != nil {
		t.Fatal(err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return key, cert, der
}

// client returns a certificate of a client until the time end.
func (a authority) client(t testing.TB, name string, end time.Time, usage x509.ExtKeyUsage) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: end,
		ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
	key, _, der := issue(t, template, a.cert, a.key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (a authority) file(t testing.TB) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// startMutual starts a server that knows clients by the certificates of the authority.
func startMutual(t testing.TB, a authority, mode string) *testkit.Server {
	t.Helper()
	file := a.file(t)
	byName := auth.ClientCert(func(_ context.Context, cert *x509.Certificate) (actionhero.Identity, error) {
		if cert.Subject.CommonName == "revoked" {
			return actionhero.Identity{}, actionhero.Errorf(actionhero.CodeUnauthenticated, "this certificate is revoked")
		}
		return actionhero.Identity{ID: "cert:" + cert.Subject.CommonName}, nil
	})
	return testkit.Start(t, testkit.Options{TLS: true, Parts: closedApp(byName), Change: func(cfg *server.Config) {
		cfg.HTTPSServer.ClientCAFile, cfg.TCPServer.ClientCAFile = file, file
		cfg.HTTPSServer.ClientCert, cfg.TCPServer.ClientCert = mode, mode
	}})
}

// with returns the configuration of a client that has the certificate, if there is one.
func with(s *testkit.Server, cert ...tls.Certificate) *tls.Config {
	cfg := s.ClientTLS.Clone()
	// Without this function, a client withholds a certificate of an authority that the server does not list.
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if len(cert) == 0 {
			return &tls.Certificate{}, nil
		}
		return &cert[0], nil
	}
	return cfg
}

// overTLS calls whoami over each transport with a TLS configuration, and returns the answer or the error.
var overTLS = map[string]func(t testing.TB, s *testkit.Server, cfg *tls.Config) string{
	"https": func(t testing.TB, s *testkit.Server, cfg *tls.Config) string { return getWhoami(t, s, cfg, false) },
	"http2": func(t testing.TB, s *testkit.Server, cfg *tls.Config) string { return getWhoami(t, s, cfg, true) },
	"wss": func(t testing.TB, s *testkit.Server, cfg *tls.Config) string {
		return askSocket(t, s, cfg, testkit.WSPath, "", `{"event":"action","id":1,"params":{"action":"whoami"}}`)
	},
	"socketio": func(t testing.TB, s *testkit.Server, cfg *tls.Config) string {
		return askSocket(t, s, cfg, testkit.SIOPath, "40", `420["action",{"action":"whoami"}]`)
	},
	"tcp": func(t testing.TB, s *testkit.Server, cfg *tls.Config) string {
		nc, err := tls.DialWithDialer(&net.Dialer{Timeout: testkit.Wait}, "tcp", s.TCPTLSAddr().String(), cfg)
		if err != nil {
			return err.Error()
		}
		defer nc.Close()
		_ = nc.SetDeadline(time.Now().Add(testkit.Wait))
		if _, err := nc.Write([]byte("whoami\n")); err != nil {
			return err.Error()
		}
		return readUntil(func(p []byte) (int, error) { return nc.Read(p) })
	},
}

func getWhoami(t testing.TB, s *testkit.Server, cfg *tls.Config, http2 bool) string {
	got, err := s.HTTPSWith(t, cfg, http2).Try(t.Context(), "GET", "/api/whoami", http.NoBody)
	if err != nil {
		return err.Error()
	}
	return got.Text
}

// readUntil reads until an answer or the end.
func readUntil(read func([]byte) (int, error)) string {
	var all []byte
	buffer := make([]byte, 4096)
	for {
		n, err := read(buffer)
		all = append(all, buffer[:n]...)
		if text := string(all); err != nil {
			return text + err.Error()
		} else if strings.Contains(text, `"who"`) || strings.Contains(text, `"error":"`) || strings.Contains(text, "44{") {
			return text
		}
	}
}

func askSocket(t testing.TB, s *testkit.Server, cfg *tls.Config, path, hello, request string) string {
	transport := &http.Transport{TLSClientConfig: cfg.Clone()}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Wait)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "wss://"+s.Web.TLSAddr().String()+path, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		return err.Error()
	}
	defer func() { _ = c.CloseNow() }()
	for _, text := range []string{hello, request} {
		if text == "" {
			continue
		}
		if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			return err.Error()
		}
	}
	return readUntil(func(p []byte) (int, error) {
		_, message, err := c.Read(ctx)
		return copy(p, message), err
	})
}

// A certificate that the authority has signed makes its client known on each transport with TLS. Others end the connection.
func TestAClientCertificateIdentifiesItsClient(t *testing.T) {
	t.Parallel()
	ours, foreign := newAuthority(t), newAuthority(t)
	end := time.Now().Add(time.Hour)
	robot := ours.client(t, "robot", end, x509.ExtKeyUsageClientAuth)
	optional, required := startMutual(t, ours, "optional"), startMutual(t, ours, "required")
	const refused = "" // a failed handshake
	for name, ask := range overTLS {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for what, c := range map[string]struct {
				server *testkit.Server
				cfg    *tls.Config
				want   string
			}{
				"ours":               {optional, with(optional, robot), "cert:robot"},
				"ours, required":     {required, with(required, robot), "cert:robot"},
				"none":               {optional, with(optional), "you must log in"},
				"none, required":     {required, with(required), refused},
				"of another":         {optional, with(optional, foreign.client(t, "robot", end, x509.ExtKeyUsageClientAuth)), refused},
				"expired":            {optional, with(optional, ours.client(t, "robot", time.Now().Add(-time.Second), x509.ExtKeyUsageClientAuth)), refused},
				"of a server":        {optional, with(optional, ours.client(t, "robot", end, x509.ExtKeyUsageServerAuth)), refused},
				"refused by the app": {optional, with(optional, ours.client(t, "revoked", end, x509.ExtKeyUsageClientAuth)), "this certificate is revoked"},
			} {
				got := ask(t, c.server, c.cfg)
				answered := strings.Contains(got, `"error"`) || strings.Contains(got, `"who"`)
				if c.want == refused && answered || !strings.Contains(got, c.want) {
					t.Errorf("%s: %s, want …%s…", what, got, c.want)
				}
			}
		})
	}
}

// A client that resumes its TLS session is known by the certificate of the session. The identity ends with the certificate.
func TestAResumedSessionHasItsCertificate(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	s := startMutual(t, ours, "optional")
	end := time.Now().Add(time.Hour).Truncate(time.Second)
	cfg := with(s, ours.client(t, "robot", end, x509.ExtKeyUsageClientAuth))
	cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	resumed := false
	for range 3 {
		var nc *tls.Conn
		client := testkit.NewTCP(t, func() (_ net.Conn, err error) {
			nc, err = tls.Dial("tcp", s.TCPTLSAddr().String(), cfg)
			return nc, err
		})
		if got := client.Do("whoami", nil); !strings.Contains(got.JSON, "cert:robot") {
			t.Error(got.JSON)
		}
		resumed = resumed || nc.ConnectionState().DidResume
	}
	for c := range s.API.Conns.OnNode() {
		if got := c.Identity().ExpiresAt; !got.Equal(end) {
			t.Errorf("the identity ends at %v, its certificate at %v", got, end)
		}
	}
	if !resumed {
		t.Error("no session was resumed: the test shows nothing")
	}
}

// Without TLS there is no certificate, and the caller is anonymous.
func TestWithoutTLSThereIsNoCertificate(t *testing.T) {
	t.Parallel()
	s := startMutual(t, newAuthority(t), "required")
	s.HTTP(t).Ask("GET", "/api/whoami", "", "X-Forwarded-Client-Cert: CN=robot").Want(t, 401, "you must log in")
	if got := s.TCP(t).Do("whoami", nil); got.Error != "you must log in to do this" {
		t.Error(got.JSON)
	}
}

// A page of any site, which a server lets in without credentials, does nothing with the certificate of its visitor.
func TestAPageOfAnyOriginHasNoCertificate(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	file := a.file(t)
	byName := auth.ClientCert(func(_ context.Context, cert *x509.Certificate) (actionhero.Identity, error) {
		return actionhero.Identity{ID: cert.Subject.CommonName}, nil
	})
	write := actionhero.Action[actionhero.None, actionhero.None]{Name: "write", Run: func(_ context.Context, none actionhero.None) (actionhero.None, error) {
		return none, nil
	}}
	s := testkit.Start(t, testkit.Options{TLS: true, Parts: append(closedApp(byName), write), Change: func(cfg *server.Config) {
		cfg.HTTPSServer.ClientCAFile, cfg.HTTPSServer.ClientCert = file, "optional"
		cfg.CommonWeb.AllowedOrigins, cfg.CommonWeb.JSONP = []string{"*"}, new(true)
		cfg.WebSockets.Plain.Origins, cfg.WebSockets.SocketIO.Origins = []string{"*"}, []string{"*"}
	}})
	cfg := with(s, a.client(t, "robot", time.Now().Add(time.Hour), x509.ExtKeyUsageClientAuth))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: cfg}}
	evil := http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}
	for path, status := range map[string]int{"/api/write": 403, "/api/whoami?callback=steal": 403} {
		method := http.MethodPost
		if strings.Contains(path, "callback") {
			method = http.MethodGet
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "https://"+s.Web.TLSAddr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = evil
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != status {
			t.Errorf("%s: %d %s, %v", path, answer.StatusCode, text, err)
		}
	}
	for path, ask := range map[string][2]string{
		testkit.WSPath: {"", `{"event":"action","id":1,"params":{"action":"open"}}`}, testkit.SIOPath: {"40", `420["action",{"action":"open"}]`},
	} {
		c := testkit.DialSocket(t, "wss://"+s.Web.TLSAddr().String()+path, &websocket.DialOptions{HTTPClient: client, HTTPHeader: evil})
		if ask[0] != "" {
			c.Send(ask[0])
		}
		c.Send(ask[1])
		got := c.Next()
		for !strings.Contains(got, `"who":`) {
			got = c.Next()
		}
		if !strings.Contains(got, `"who":""`) {
			t.Errorf("%s: %s", path, got)
		}
	}
}
