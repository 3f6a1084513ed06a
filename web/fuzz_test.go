package web_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/web"
)

var callbackForm = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*(\.[A-Za-z_$][A-Za-z0-9_$]*)*$`)

func FuzzCallback(f *testing.F) {
	for _, seed := range []string{"f", "a.b", "a..b", "alert(1)", "a\n", "é", "9a", "$._", strings.Repeat("a", 65)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if want := len(text) <= web.MaxCallback && callbackForm.MatchString(text) && !strings.HasSuffix(text, "\n"); web.IsCallback(text) != want {
			t.Errorf("isCallback(%q) is %v", text, !want)
		}
	})
}

// serve serves a request and checks that the response is well formed.
func serve(t *testing.T, s *web.Server, r *http.Request) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if strings.Contains(w.Body.String(), testkit.Secret) {
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
	s, _ := fuzzServer(f, "api")
	for _, seed := range []string{"/api/status", "/public/../secret.txt", "/public/%2e%2e/secret.txt", "/file/..%2fsecret.txt", "/?action=file&fileName=../secret.txt", "/public//", "/api/say?room=%00&message=%ff", "/api/x?limit=1e9&callback=f&outputType=xml"} {
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
	s, _ := fuzzServer(f, "api")
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
