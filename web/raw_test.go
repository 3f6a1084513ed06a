package web_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
	"sync/atomic"
	"testing"

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
		if req.Header("X-Signature") != sign(string(req.Body())) {
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
	for name, want := range map[string]string{
		"report.csv":       `attachment; filename=report.csv`,
		"my report.csv":    `attachment; filename="my report.csv"`,
		`a"b\c.csv`:        `attachment; filename=c.csv`,
		"../../etc/passwd": `attachment; filename=passwd`,
		"bär.csv":          `attachment; filename*=utf-8''b%C3%A4r.csv`,
		"a\r\nX: y":        `attachment; filename="aX: y"`,
		"":                 `attachment; filename=file`,
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := start(t, nil, actionhero.Action[actionhero.None, *actionhero.Content]{
				Name: "export", Kind: actionhero.KindRead,
				Run: func(context.Context, actionhero.None) (*actionhero.Content, error) {
					return &actionhero.Content{Body: io.NopCloser(strings.NewReader("a,b")), Name: name, Size: 3, Download: true}, nil
				},
			})
			everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
				got := c.Ask("GET", "/api/export", "")
				got.Want(t, 200, "a,b")
				got.WantHeader(t, "Content-Disposition: "+want)
			})
		})
	}
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
