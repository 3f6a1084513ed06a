//go:build !hostile

package web_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/web"
)

func always200(_ *actionhero.Config, cfg *web.Config) { cfg.Common.ReturnErrorCodes = new(false) }

const (
	isJSON  = "Content-Type: application/json"
	isForm  = "Content-Type: application/x-www-form-urlencoded"
	isParts = "Content-Type: multipart/form-data; boundary=b"
)

// chunked hides the length of a body.
func chunked(text string) io.Reader { return struct{ io.Reader }{strings.NewReader(text)} }

// Bodies of every kind give their params, with a length and without.
func TestBodies(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, routed("show", ""))
	long := strings.Repeat("ä", 100_000)
	f.everywhere(t, func(t *testing.T, c *client) {
		for _, test := range []struct{ contentType, body, want string }{
			{isForm, "name=a+b%26&other=c", "a b&|c"},
			{isForm, "name=a&name=b&other", "b|"},
			{isForm, "name=" + long, long + "|"},
			{isJSON, `{"name":"\u00e4\n","other":"c"}`, `ä\n|c`},
			{isJSON + ";charset=UTF-8", ` {"name":"a"} `, "a|"},
			{"Content-Type: Application/JSON", `{"other":"` + long + `"}`, "query|" + long},
			{isParts, "--b\r\nContent-Disposition: form-data; name=name\r\n\r\na\r\n--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n" + long + "\r\n--b--\r\n", "a|" + long},
			{isJSON, "", "query|"},
			{isParts, "--b--\r\n", "query|"},
		} {
			for _, body := range []io.Reader{strings.NewReader(test.body), chunked(test.body)} {
				got := c.send("POST", "/api/show?name=query", body, test.contentType)
				got.want(t, 200, `{"got":"`+test.want+`","ran":"show"`)
			}
		}
	})
}

// A body that cannot be read is refused, whether its length is known or not, and the next request is not hurt by it.
func TestMalformedBodies(t *testing.T) {
	t.Parallel()
	f, all := serve(t, nil), serve(t, always200)
	for name, test := range map[string]struct {
		contentType, body string
		status            int
		want              string
	}{
		"comma":       {isJSON, `{"key":"a",}`, 400, "malformed JSON at offset 11"},
		"early end":   {isJSON, `{"key":"a"`, 400, "malformed JSON at offset 10"},
		"trailing":    {isJSON, `{"key":"a"} x`, 400, "malformed JSON at offset 12"},
		"deep":        {isJSON, `{"key":` + strings.Repeat("[", 100_000), 400, "malformed JSON at offset"},
		"list":        {isJSON, `["key"]`, 400, "offset 0"},
		"escape":      {isForm, "key=%4", 400, `the parameters are not url-encoded: invalid URL escape \"%4\"`},
		"text":        {"Content-Type: text/plain", "key=a", 415, "the content type of a body must be application/json, application/x-www-form-urlencoded or multipart/form-data"},
		"none":        {"Accept: */*", "key=a", 415, "the content type of a body must be"},
		"no type":     {"Content-Type: ;", "key=a", 415, "the content type of a body must be"},
		"no boundary": {"Content-Type: multipart/form-data", "--b--", 400, "the multipart body has no boundary"},
		"cut parts":   {isParts, "--b\r\nContent-Disposition: form-data; name=key\r\n\r\na", 400, "the multipart body is malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f.everywhere(t, func(t *testing.T, c *client) {
				for _, body := range []io.Reader{strings.NewReader(test.body), chunked(test.body)} {
					got := c.send("POST", "/api/cacheTest", body, test.contentType)
					got.want(t, test.status, `"error":"`)
					got.want(t, test.status, test.want)
					got.wantHeader(t, "Content-Type: application/json")
				}
			})
			all.plain(t).ask("POST", "/api/cacheTest", test.body, test.contentType).want(t, 200, test.want)
		})
	}
}

// No body is larger than commonWeb.maxBodyBytes, whether it says so or not.
func TestMaxBodyBytes(t *testing.T) {
	t.Parallel()
	const limit = 1000
	f := serve(t, func(_ *actionhero.Config, cfg *web.Config) { cfg.Common.MaxBodyBytes = limit }, routed("show", ""))
	f.everywhere(t, func(t *testing.T, c *client) {
		for contentType, form := range map[string]string{
			isForm: "name=%s", isJSON: `{"name":"%s"}`, isParts: "--b\r\nContent-Disposition: form-data; name=name\r\n\r\n%s\r\n--b--\r\n",
		} {
			room := limit - len(form) + len("%s")
			for size, status := range map[int]int{room: 200, room + 1: 413, 100 * limit: 413} {
				text := fmt.Sprintf(form, strings.Repeat("x", size))
				for _, body := range []io.Reader{strings.NewReader(text), chunked(text)} {
					got, err := c.try(t.Context(), "POST", "/api/show", body, contentType)
					if err != nil {
						t.Fatalf("%d bytes as %s: %v", len(text), contentType, err)
					}
					want := `"ran":"show"`
					if status == 413 {
						want = `"error":"the body may have 1000 bytes at most"`
					}
					got.want(t, status, want)
				}
			}
		}
	})
}

// Who asks before it sends a body is told to go on, or gets the refusal without having sent it.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	f := serve(t, func(_ *actionhero.Config, cfg *web.Config) { cfg.Common.MaxBodyBytes = 1000 }, routed("show", ""))
	head := func(length int) string {
		return fmt.Sprintf("POST /api/show HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", isForm, length)
	}
	t.Run("welcome", func(t *testing.T) {
		t.Parallel()
		p := f.dial(t)
		for range 3 {
			p.write(head(8))
			if line, err := p.in.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
				t.Fatalf("got %q, %v", line, err)
			}
			if _, err := p.in.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			p.write("name=ann")
			if got := p.read("POST"); got.StatusCode != 200 || !strings.Contains(got.text, `"got":"ann|"`) {
				t.Errorf("got %d %s", got.StatusCode, got.text)
			}
		}
	})
	t.Run("too large", func(t *testing.T) {
		t.Parallel()
		p := f.dial(t)
		p.write(head(1 << 20))
		if got := p.read("POST"); got.StatusCode != 413 || !got.Close {
			t.Errorf("got %d %s", got.StatusCode, got.text)
		}
		p.end()
	})
	t.Run("unknown", func(t *testing.T) {
		t.Parallel()
		p := f.dial(t)
		p.write(strings.Replace(head(8), "100-continue", "a miracle", 1))
		if got := p.read("POST"); got.StatusCode != http.StatusExpectationFailed {
			t.Errorf("got %d %s", got.StatusCode, got.text)
		}
	})
	t.Run("stock client", func(t *testing.T) {
		t.Parallel()
		for _, c := range []*client{f.plain(t), f.secure(t, f.tls, true)} {
			c.ask("POST", "/api/show", "name=ann", isForm, "Expect: 100-continue").want(t, 200, `"got":"ann|"`)
		}
	})
}
