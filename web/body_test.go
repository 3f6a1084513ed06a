package web_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

func always200(cfg *server.Config) {
	cfg.CommonWeb.ReturnErrorCodes = new(false)
}

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
	s := start(t, nil, routed("show", ""))
	long := strings.Repeat("ä", 100_000)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
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
				got := c.Send("POST", "/api/show?name=query", body, test.contentType)
				got.Want(t, 200, `{"got":"`+test.want+`","ran":"show"`)
			}
		}
	})
}

// A text in another encoding than UTF-8 is refused with the remedy, instead of read as other characters. Bytes of a file
// have any encoding.
func TestTextInAnotherCharsetIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, nil, routed("show", ""), store(noEnd))
	field := func(head string) string {
		return "--b\r\nContent-Disposition: form-data; name=name\r\n" + head + "\r\nna\xefve\r\n--b--\r\n"
	}
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, charset := range []string{"iso-8859-1", "ISO-8859-1", "windows-1252", `"utf-16"`, "utf-16le", "shift_jis", "x"} {
			for contentType, body := range map[string]string{
				isJSON: `{"name":"na\xefve"}`, isForm: "name=na%EFve", "Content-Type: text/plain": `{"name":"a"}`, "Content-Type: application/vnd.api+json": `{"name":"a"}`,
				isParts: field(""),
			} {
				got := c.Ask("POST", "/api/show", body, contentType+"; charset="+charset)
				got.Want(t, 415, `"errorCode":"invalidInput"`)
				got.Want(t, 415, `"error":"the charset of a body must be utf-8, not \"`+strings.Trim(charset, `"`)+`\": send the text as UTF-8"`)
			}
			c.Ask("POST", "/api/show", field("Content-Type: text/plain; charset="+charset+"\r\n"), isParts).Want(t, 415, "the charset of a body must be utf-8")
		}
		for _, charset := range []string{"utf-8", "UTF-8", "utf8", `"utf-8"`, "us-ascii", "ASCII"} {
			c.Ask("POST", "/api/show", `{"name":"näive"}`, isJSON+"; charset="+charset).Want(t, 200, `{"got":"näive|"`)
			c.Ask("POST", "/api/show", "name=n%C3%A4ive", isForm+"; charset="+charset).Want(t, 200, `{"got":"näive|"`)
			c.Ask("POST", "/api/show", "--b\r\nContent-Disposition: form-data; name=name\r\nContent-Type: text/plain; charset="+charset+"\r\n\r\nnäive\r\n--b--\r\n", isParts).Want(t, 200, `{"got":"näive|"`)
		}
		file := "--b\r\nContent-Disposition: form-data; name=upload; filename=a.txt\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\nna\xefve\r\n--b--\r\n"
		c.Ask("POST", "/api/store", file, isParts).Want(t, 200, `"error":"OK"`)
		c.Ask("POST", "/api/show?name=query", "\xef", "Content-Type: text/csv; charset=iso-8859-1").Want(t, 415, "the content type of a body must be")
	})
}

// A malformed body is refused, with a length and without, and the next request works.
func TestMalformedBodies(t *testing.T) {
	t.Parallel()
	s, all := start(t, nil), start(t, always200)
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
		"text":        {"Content-Type: text/plain", "key=a", 415, "the content type of a body must be application/json, application/x-www-form-urlencoded or multipart/form-data"},
		"none":        {"Accept: */*", "key=a", 415, "the content type of a body must be"},
		"no type":     {"Content-Type: ;", "key=a", 415, "the content type of a body must be"},
		"no boundary": {"Content-Type: multipart/form-data", "--b--", 400, "the multipart body has no boundary"},
		"cut parts":   {isParts, "--b\r\nContent-Disposition: form-data; name=key\r\n\r\na", 400, "the multipart body is malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
				for _, body := range []io.Reader{strings.NewReader(test.body), chunked(test.body)} {
					got := c.Send("POST", "/api/cacheTest", body, test.contentType)
					got.Want(t, test.status, `"error":"`)
					got.Want(t, test.status, test.want)
					got.WantHeader(t, "Content-Type: application/json")
				}
			})
			all.HTTP(t).Ask("POST", "/api/cacheTest", test.body, test.contentType).Want(t, 200, test.want)
		})
	}
}

// A body larger than commonWeb.maxBodyBytes is refused, with a length and without.
func TestMaxBodyBytes(t *testing.T) {
	t.Parallel()
	const limit = 1000
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.MaxBodyBytes = limit }, routed("show", ""))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for contentType, form := range map[string]string{
			isForm: "name=%s", isJSON: `{"name":"%s"}`, isParts: "--b\r\nContent-Disposition: form-data; name=name\r\n\r\n%s\r\n--b--\r\n",
		} {
			room := limit - len(form) + len("%s")
			for size, status := range map[int]int{room: 200, room + 1: 413, 100 * limit: 413} {
				text := fmt.Sprintf(form, strings.Repeat("x", size))
				for _, body := range []io.Reader{strings.NewReader(text), chunked(text)} {
					got, err := c.Try(t.Context(), "POST", "/api/show", body, contentType)
					if err != nil {
						t.Fatalf("%d bytes as %s: %v", len(text), contentType, err)
					}
					want := `"ran":"show"`
					if status == 413 {
						want = `"error":"the body may have 1000 bytes at most"`
					}
					got.Want(t, status, want)
				}
			}
		}
	})
}

// A client that expects 100-continue receives it, or the refusal before it sends the body.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.MaxBodyBytes = 1000 }, routed("show", ""))
	head := func(length int) string {
		return fmt.Sprintf("POST /api/show HTTP/1.1\r\nHost: localhost\r\n%s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", isForm, length)
	}
	t.Run("continued", func(t *testing.T) {
		t.Parallel()
		p := s.HTTPConn(t)
		for range 3 {
			p.Send(head(8))
			if line, err := p.In.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
				t.Fatalf("got %q, %v", line, err)
			}
			if _, err := p.In.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			p.Send("name=ann")
			if got := p.Next("POST"); got.StatusCode != 200 || !strings.Contains(got.Text, `"got":"ann|"`) {
				t.Errorf("got %d %s", got.StatusCode, got.Text)
			}
		}
	})
	t.Run("too large", func(t *testing.T) {
		t.Parallel()
		p := s.HTTPConn(t)
		p.Send(head(1 << 20))
		if got := p.Next("POST"); got.StatusCode != 413 || !got.Close {
			t.Errorf("got %d %s", got.StatusCode, got.Text)
		}
		p.WantClosed()
	})
	t.Run("unknown", func(t *testing.T) {
		t.Parallel()
		p := s.HTTPConn(t)
		p.Send(strings.Replace(head(8), "100-continue", "a miracle", 1))
		if got := p.Next("POST"); got.StatusCode != http.StatusExpectationFailed {
			t.Errorf("got %d %s", got.StatusCode, got.Text)
		}
	})
	t.Run("stock client", func(t *testing.T) {
		t.Parallel()
		for _, c := range []*testkit.HTTPClient{s.HTTP(t), s.HTTPS(t, true)} {
			c.Ask("POST", "/api/show", "name=ann", isForm, "Expect: 100-continue").Want(t, 200, `"got":"ann|"`)
		}
	})
}

// A body whose chunks are malformed or end too early is the client's fault, for every content type.
func TestMalformedChunks(t *testing.T) {
	t.Parallel()
	s := start(t, nil, routed("show", ""))
	for _, contentType := range []string{isJSON, isForm, "Content-Type: multipart/form-data; boundary=b"} {
		for _, body := range []string{"zz\r\n", "5\r\nab", "-1\r\n", strings.Repeat("0", 5000)} {
			p := s.HTTPConn(t)
			p.Send("POST /api/show HTTP/1.1\r\nHost: localhost\r\n" + contentType + "\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
			_ = p.Conn.(*net.TCPConn).CloseWrite()
			p.Next("POST").Want(t, 400, `malformed"`)
		}
	}
	for _, line := range s.Log.With("action", "show") {
		if line.Level > slog.LevelInfo {
			t.Errorf("the log has %v", line)
		}
	}
}
