package web_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

type webhookIn struct {
	Event string `json:"event"`
}

// webhook checks the signature of its body, as the senders of webhooks ask for.
var webhook = actionhero.Action[webhookIn, map[string]string]{
	Name: "webhook", RawBody: true, Route: "POST /hook",
	Run: func(ctx context.Context, in webhookIn) (map[string]string, error) {
		req := actionhero.RequestFrom(ctx)
		if !hmac.Equal([]byte(req.Header("X-Signature")), []byte(sign(string(req.Body())))) {
			return nil, actionhero.Errorf(actionhero.CodePermissionDenied, "the signature is wrong")
		}
		return map[string]string{"event": in.Event}, nil
	},
}

func sign(body string) string {
	mac := hmac.New(sha256.New, []byte("key"))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// An action with RawBody gets the bytes of each body as they were sent, and the params in them as ever.
func TestAnActionReadsTheRawBody(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.MaxBodyBytes = 64 << 10 }, webhook)
	const parts = "--b\r\nContent-Disposition: form-data; name=event\r\n\r\nin parts\r\n--b--\r\n"
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, test := range [][3]string{
			{"application/json", "{ \"event\" : \"paid\" , \"x\":\t1 }\n", `"event":"paid"`},
			{"application/json", "\ufeff{\"event\":\"marked\"}", `"event":"marked"`},
			{"application/json", `[1,2]`, `"event":""`},
			{"application/cloudevents+json", `{"event":"cloud"}`, `"event":"cloud"`},
			{"text/plain", `event`, `"event":""`},
			{"application/octet-stream", "\x00\xff\r\n", `"event":""`},
			{"application/x-www-form-urlencoded", "event=a%20form", `"event":"a form"`},
			{"multipart/form-data; boundary=b", parts, `"event":"in parts"`},
			{"", "no type", `"event":""`},
			{"application/json; charset=iso-8859-1", `{"event":"paid"}`, `"event":""`}, // bytes, of which no params are read
		} {
			c.Ask("POST", "/hook", test[1], "Content-Type: "+test[0], "X-Signature: "+sign(test[1])).Want(t, 200, test[2])
			c.Ask("POST", "/hook", test[1], "Content-Type: "+test[0], "X-Signature: "+sign(test[1]+" ")).Want(t, 403, "the signature is wrong")
		}
		c.Ask("POST", "/hook", "", "X-Signature: "+sign("")).Want(t, 200, `"event":""`)
		c.Ask("POST", "/hook", `{"event"`, "Content-Type: application/json").Want(t, 400, "malformed JSON")
		c.Ask("POST", "/hook", strings.Repeat("x", 64<<10+1), "Content-Type: text/plain").Want(t, 413, "")
	})
}

// A Content with Download is saved under its name, whatever characters the name has.
func TestAContentIsDownloaded(t *testing.T) {
	t.Parallel()
	type input struct {
		Name string `json:"name"`
	}
	s := start(t, nil, actionhero.Action[input, *actionhero.Content]{
		Name: "export", Kind: actionhero.KindRead,
		Run: func(_ context.Context, in input) (*actionhero.Content, error) {
			return &actionhero.Content{Body: io.NopCloser(strings.NewReader("a,b")), Name: in.Name, Size: 3, Download: true}, nil
		},
	})
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for name, want := range map[string]string{
			"report.csv":           `attachment; filename=report.csv`,
			"my report.csv":        `attachment; filename="my report.csv"`,
			`a"b\c.csv`:            `attachment; filename=c.csv`,
			"../../etc/passwd":     `attachment; filename=passwd`,
			"bär.csv":              `attachment; filename=b_r.csv; filename*=UTF-8''b%C3%A4r.csv`,
			"日本 x.csv":             `attachment; filename="__ x.csv"; filename*=UTF-8''%E6%97%A5%E6%9C%AC%20x.csv`,
			`5%25 "a"+b.csv`:       `attachment; filename="5_25 _a_+b.csv"; filename*=UTF-8''5%2525%20%22a%22%2Bb.csv`,
			"a\r\nX: y":            `attachment; filename="aX: y"`,
			"a\x00\x1b\u202eb\xff": `attachment; filename=ab`,
			"a;b=c, d.csv":         `attachment; filename="a;b=c, d.csv"`,
			"":                     `attachment; filename=file`,
			"..":                   `attachment; filename=file`,
		} {
			got := c.Ask("GET", "/api/export?name="+url.QueryEscape(name), "")
			got.Want(t, 200, "a,b")
			got.WantHeader(t, "Content-Disposition: "+want)
		}
	})
}

// A stream has Last-Modified and the ETag of its action, and a client that has this version gets 304.
func TestAStreamIsNotSentTwice(t *testing.T) {
	t.Parallel()
	at := time.Unix(1e9, 5e8)
	bodies := &closer{Reader: strings.NewReader("")}
	s := start(t, nil, actionhero.Action[actionhero.None, *actionhero.Content]{
		Name: "stream", Kind: actionhero.KindRead,
		Run: func(ctx context.Context, _ actionhero.None) (*actionhero.Content, error) {
			web.Header(ctx).Set("ETag", `"v1"`)
			body := struct {
				io.Reader
				io.Closer
			}{strings.NewReader("the stream"), bodies}
			return &actionhero.Content{Body: body, Name: "a.txt", ModTime: at}, nil
		},
	})
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for header, status := range map[string]int{
			`If-None-Match: W/"v1"`: 304, `If-None-Match: "v2"`: 200, "X: y": 200, "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT": 304,
			"If-Modified-Since: Sun, 09 Sep 2001 01:46:39 GMT": 200, "If-Modified-Since: x": 200,
		} {
			for _, method := range []string{"GET", "HEAD"} {
				got := c.Ask(method, "/api/stream", "", header)
				got.Want(t, status, "")
				got.WantHeader(t, `Etag: "v1"`, "Last-Modified: Sun, 09 Sep 2001 01:46:40 GMT")
				if (got.Text == "the stream") != (status == 200 && method == "GET") || (got.Header["Content-Type"] == nil) != (status == 304) {
					t.Errorf("%s with %s: %d %q as %q", method, header, got.StatusCode, got.Text, got.Header["Content-Type"])
				}
			}
		}
		c.Ask("POST", "/api/stream", "", `If-None-Match: "v1"`).Want(t, 200, "the stream")
		if bodies.closed.Load() < 13 {
			t.Errorf("%d of 13 bodies are closed", bodies.closed.Load())
		}
	})
}

// A Content with a name that is not a download has the name for a browser that saves the page, unless the action sets the
// header itself. A static file has no such header, because its path ends with its name.
func TestAContentHasItsName(t *testing.T) {
	t.Parallel()
	show := func(name, file, header string) actionhero.Action[actionhero.None, *actionhero.Content] {
		return actionhero.Action[actionhero.None, *actionhero.Content]{
			Name: name, Kind: actionhero.KindRead,
			Run: func(ctx context.Context, _ actionhero.None) (*actionhero.Content, error) {
				if header != "" {
					web.Header(ctx).Set("Content-Disposition", header)
				}
				return &actionhero.Content{Body: strings.NewReader("%PDF"), Name: file, Download: header != ""}, nil
			},
		}
	}
	s := start(t, nil, show("invoice", "Rechnung März.pdf", ""), show("unnamed", "", ""), show("own", "a.pdf", "attachment; filename=own.pdf"))
	s.Put(t, "a.pdf", "%PDF")
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		c.Ask("GET", "/api/invoice", "").WantHeader(t, "Content-Type: application/pdf", `Content-Disposition: inline; filename="Rechnung M_rz.pdf"; filename*=UTF-8''Rechnung%20M%C3%A4rz.pdf`)
		c.Ask("GET", "/api/own", "").WantHeader(t, "Content-Disposition: attachment; filename=own.pdf")
		for _, target := range []string{"/api/unnamed", "/public/a.pdf", "/file/a.pdf"} {
			if got := c.Ask("GET", target, ""); got.StatusCode != 200 || got.Header["Content-Disposition"] != nil {
				t.Errorf("%s: %d, Content-Disposition is %q", target, got.StatusCode, got.Header["Content-Disposition"])
			}
		}
	})
}

// closer counts how often it is closed.
type closer struct {
	io.Reader
	closed atomic.Int32
}

func (c *closer) Close() error { c.closed.Add(1); return nil }

// If the action writes the response itself, its Content is not sent, but closed.
func TestAContentThatIsNotWrittenIsClosed(t *testing.T) {
	t.Parallel()
	body := &closer{Reader: strings.NewReader("unsent")}
	s := start(t, nil, actionhero.Action[actionhero.None, *actionhero.Content]{
		Name: "writes", Kind: actionhero.KindRead,
		Run: func(ctx context.Context, _ actionhero.None) (*actionhero.Content, error) {
			_, err := io.WriteString(web.Writer(ctx), "written")
			return &actionhero.Content{Body: body}, err
		},
	})
	for i, c := range []*testkit.HTTPClient{s.HTTP(t), s.HTTPS(t, false), s.HTTPS(t, true)} {
		c.Ask("GET", "/api/writes", "").Want(t, 200, "written")
		testkit.Eventually(t, "the content is closed", func() bool { return body.closed.Load() == int32(i+1) })
	}
}
