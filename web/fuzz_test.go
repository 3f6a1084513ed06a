package web

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/builtin"
)

var callbackForm = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*(\.[A-Za-z_$][A-Za-z0-9_$]*)*$`)

func FuzzCallback(f *testing.F) {
	for _, seed := range []string{"f", "a.b", "a..b", "alert(1)", "a\n", "é", "9a", "$._", strings.Repeat("a", 65)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if want := len(text) <= maxCallback && callbackForm.MatchString(text) && !strings.HasSuffix(text, "\n"); isCallback(text) != want {
			t.Errorf("isCallback(%q) is %v", text, !want)
		}
	})
}

// newFuzzed returns a server with a folder of files, beside which there is a secret.
func newFuzzed(f *testing.F) *Server {
	dir := f.TempDir()
	public := filepath.Join(dir, "public")
	if err := os.MkdirAll(filepath.Join(public, "sub"), 0o755); err != nil {
		f.Fatal(err)
	}
	for name, text := range map[string]string{"secret": "top secret", "public/a.txt": "a", "public/sub/index.html": "sub"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			f.Fatal(err)
		}
	}
	api, err := actionhero.New(actionhero.Config{
		Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler), FlatFileDirectory: public,
	}, builtin.All)
	if err != nil {
		f.Fatal(err)
	}
	if err := api.Start(f.Context()); err != nil {
		f.Fatal(err)
	}
	s, err := New(api, Config{})
	if err != nil {
		f.Fatal(err)
	}
	return s
}

// serve answers a request, which must be well formed whatever was asked.
func serve(t *testing.T, s *Server, r *http.Request) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if strings.Contains(w.Body.String(), "top secret") {
		t.Errorf("%s leads out of the folder", r.URL)
	}
	if w.Code < 200 || w.Code > 599 {
		t.Errorf("the status is %d", w.Code)
	}
	if w.Header().Get("Content-Type") == "application/json" && w.Header().Get("Content-Encoding") == "" && r.Method != http.MethodHead && w.Code != http.StatusNotModified && !json.Valid(w.Body.Bytes()) {
		t.Errorf("%s %s is answered with malformed JSON: %s", r.Method, r.URL, w.Body)
	}
}

func FuzzURL(f *testing.F) {
	s := newFuzzed(f)
	for _, seed := range []string{"/api/status", "/public/../secret", "/public/%2e%2e/secret", "/file/..%2fsecret", "/?action=file&fileName=../secret", "/public//", "/api/say?room=%00&message=%ff", "/api/x?limit=1e9&callback=f&outputType=xml"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		r, err := http.NewRequest("GET", target, http.NoBody)
		if err != nil || !strings.HasPrefix(target, "/") {
			return
		}
		r.RemoteAddr = "127.0.0.1:1"
		serve(t, s, r)
	})
}

func FuzzBody(f *testing.F) {
	s := newFuzzed(f)
	f.Add("multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=\"key\"; filename=\"../a\"\r\n\r\nb\r\n--x--"))
	f.Add("application/json", []byte(`{"key":"a","value":[1,{"b":null}]}`))
	f.Add("application/x-www-form-urlencoded", []byte("key=a&value=%zz"))
	f.Add("text/plain", []byte(""))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		r := httptest.NewRequest("POST", "/api/cacheTest", bytes.NewReader(body))
		r.Header["Content-Type"] = []string{contentType}
		serve(t, s, r)
	})
}
