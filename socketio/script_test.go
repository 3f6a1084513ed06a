package socketio_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/socketio"
)

func TestScript(t *testing.T) {
	t.Parallel()
	h := socketio.New(testkit.NewAPI(t), socketio.Config{})
	get := func(method, path string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, nil)
		if len(header) > 0 {
			r.Header.Set(header[0], header[1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	w := get("GET", "/socket.io/socket.io.js")
	text, tag := w.Body.String(), w.Header().Get("ETag")
	if w.Code != 200 || !strings.Contains(text, "Socket.IO v4.8.4") || !strings.Contains(text, "MIT License") || w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("%d %v %.200q", w.Code, w.Header(), text)
	}
	if w := get("GET", "/socket.io/socket.io.js", "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() > 0 || tag == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := get("HEAD", "/socket.io/socket.io.js"); w.Code != 200 || w.Body.Len() > 0 {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := get("GET", "/socket.io/socket.io.min.js"); w.Code != 200 || w.Body.String() != text {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	module := get("GET", "/socket.io/socket.io.esm.min.js")
	if text := module.Body.String(); module.Code != 200 || !strings.Contains(text, "Socket.IO v4.8.4") || !strings.Contains(text, " as io,") || module.Header().Get("ETag") == tag {
		t.Errorf("%d %v %.200q", module.Code, module.Header(), text)
	}
	for name, text := range map[string]string{"socket.io.js": text, "socket.io.esm.min.js": module.Body.String()} {
		if strings.Contains(text, "sourceMappingURL") || strings.Count(text, "\n") != 6 {
			t.Errorf("%s ends with %q", name, text[len(text)-100:])
		}
	}
	for _, name := range []string{"socket.io.js.map", "socket.io.min.js.map", "socket.io.esm.min.js.map", "socket.io.msgpack.min.js"} {
		if w := get("GET", "/socket.io/"+name); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
	}
	if w := get("POST", "/socket.io/socket.io.js"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	other := httptest.NewRecorder()
	socketio.Script().ServeHTTP(other, httptest.NewRequest("GET", "/public/javascript/socket.io.js", nil))
	if other.Body.String() != text || text == "" {
		t.Errorf("%d %v", other.Code, other.Header())
	}
	other = httptest.NewRecorder()
	socketio.Script().ServeHTTP(other, httptest.NewRequest("GET", "/js/socket.io.esm.min.js", nil))
	if other.Body.String() != module.Body.String() {
		t.Errorf("%d %v", other.Code, other.Header())
	}
}
