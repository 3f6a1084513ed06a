package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

type uploadInput struct {
	Text  string             `json:"text"`
	List  []string           `json:"list"`
	File  *actionhero.File   `json:"upload"`
	Files []*actionhero.File `json:"uploads"`
}

// uploaded is an action that reads all files of a request.
var uploaded = actionhero.Action[uploadInput, map[string]any]{
	Name: "uploaded", Description: "Counts what it is sent", Route: "POST /uploads/{text}",
	Run: func(_ context.Context, in uploadInput) (map[string]any, error) {
		total := 0
		for _, f := range append(in.Files, in.File) {
			if f == nil {
				continue
			}
			text, err := io.ReadAll(f)
			if err != nil || int64(len(text)) != f.Size || strings.ContainsAny(f.Name, "/\\") {
				return nil, fmt.Errorf("the file %q of %d bytes has %d: %w", f.Name, f.Size, len(text), err)
			}
			total += len(text)
		}
		return map[string]any{"text": in.Text, "list": in.List, "total": total}, nil
	},
}

// fuzzServer returns a server without a log. Its folder of files lies next to a secret.
func fuzzServer(f *testing.F, root string) (*web.Server, testkit.Tree) {
	f.Helper()
	tree := testkit.NewTree(f)
	return start(f, func(cfg *server.Config) {
		cfg.General.FlatFileDirectory, cfg.General.Log = tree.Public, slog.New(slog.DiscardHandler)
		cfg.CommonWeb.RootEndpointType, cfg.CommonWeb.MaxBodyBytes = root, 1<<20
	}, uploaded).Web, tree
}

// answerTo serves a request. It checks that the response is no error of the server, contains no secret, and is JSON if
// its type says so.
func answerTo(t *testing.T, s *web.Server, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	r.RemoteAddr, r.Host = "127.0.0.1:1", "localhost"
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	text := w.Body.String()
	if w.Code >= 500 || testkit.Leaks(text) {
		t.Fatalf("%d: %s", w.Code, text)
	}
	if w.Header().Get("Content-Type") == "application/json" && !json.Valid(w.Body.Bytes()) {
		t.Fatalf("this is not JSON: %s", text)
	}
	return w
}

func FuzzUploads(f *testing.F) {
	s, _ := fuzzServer(f, "api")
	const (
		field = "--b\r\nContent-Disposition: form-data; name=text\r\n\r\n"
		file  = "--b\r\nContent-Disposition: form-data; name=upload; filename=\"../a\\\\b.txt\"\r\nContent-Type: text/plain\r\n\r\n"
	)
	for _, body := range []string{
		"", "--b--", field + "a\r\n--b--\r\n", file + "a\r\n--b--\r\n", file + "a\r\n" + file + "b\r\n--b--", field + "a",
		strings.ReplaceAll(file, "upload", "uploads") + "x\r\n--b--", "--b\r\n\r\n\r\n--b--",
		"--b\r\nContent-Disposition: form-data; name*=utf-8''te%78t\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41=\r\n--b--",
	} {
		f.Add("multipart/form-data; boundary=b", []byte(body))
	}
	f.Add(`multipart/form-data; boundary="b c"; charset=x`, []byte("--b c\r\n\r\n--b c--"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		r := httptest.NewRequest("POST", "/api/uploaded", strings.NewReader(string(body)))
		r.Header.Set("Content-Type", contentType)
		answerTo(t, s, r)
	})
}

func FuzzJSONP(f *testing.F) {
	s, _ := fuzzServer(f, "api")
	for _, callback := range []string{"", "f", "a.b.c", "a..b", ".a", "a.", "1a", "a1", "$", "alert(1)", "a[0]", "a\u2028b", "a b", strings.Repeat("a", 64), strings.Repeat("a", 65)} {
		f.Add(callback)
	}
	f.Fuzz(func(t *testing.T, callback string) {
		w := answerTo(t, s, httptest.NewRequest("GET", "/api/randomNumber?callback="+url.QueryEscape(callback), nil))
		text := w.Body.String()
		switch wrapped := w.Header().Get("Content-Type") == "application/javascript"; {
		case wrapped != (len(callback) <= 64 && callbackForm.MatchString(callback)):
			t.Fatalf("%q: %s", callback, text)
		case !wrapped && callback != "" && w.Code != 400:
			t.Fatalf("%q is answered with %d", callback, w.Code)
		case wrapped && (!strings.HasPrefix(text, callback+"({") || !strings.HasSuffix(text, "});") || !json.Valid([]byte(text[len(callback)+1:len(text)-2]))):
			t.Fatalf("%q: %s", callback, text)
		case wrapped && w.Header().Get("X-Content-Type-Options") != "nosniff":
			t.Fatal("a script without nosniff")
		}
	})
}

// FuzzFiles requests files with every form of URL. It does so once while URLs without prefix are actions, and once while they
// are files.
func FuzzFiles(f *testing.F) {
	api, tree := fuzzServer(f, "api")
	public, _ := fuzzServer(f, "public")
	for _, name := range tree.Names() {
		if len(name) < 200 {
			for _, form := range testkit.Encodings(name) {
				f.Add("/public/" + form)
				f.Add("/api/file?fileName=" + form)
			}
		}
	}
	for _, target := range []string{"/", "/api", "/api/", "/api/status/", "/file", "/file/", "/public", "/uploads/x", "/uploads/%2f", "*", "http://x/public/", "//", "/\x00", "/api//status"} {
		f.Add(target)
	}
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return // net/http refuses it
		}
		for _, s := range []*web.Server{api, public} {
			for _, method := range []string{"GET", "POST"} {
				r := &http.Request{Method: method, URL: u, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody, Host: "x"}
				w := answerTo(t, s, r)
				isFile := w.Code == 200 && w.Header().Get("Last-Modified") != ""
				if size := w.Body.Len(); isFile && w.Body.String() != testkit.Plain && size != testkit.BigBytes && size != 0 {
					t.Fatalf("%s serves %q", target, w.Body.String())
				}
			}
			if isFile, action := s.ResolvePath(u.Path); isFile && action != "" {
				t.Fatalf("%s is a file and the action %s", target, action)
			}
		}
	})
}
