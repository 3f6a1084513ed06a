package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// statuses sends text on a new connection, ends its side, and returns the status of each answer.
func statuses(t *testing.T, dial func() (net.Conn, error), text string) string {
	t.Helper()
	nc, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(testkit.Wait))
	if _, err := io.WriteString(nc, text); err != nil {
		t.Fatal(err)
	}
	_ = nc.(interface{ CloseWrite() error }).CloseWrite()
	var all []string
	for in := bufio.NewReader(nc); ; {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return strings.Join(all, " ")
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusContinue {
			all = append(all, fmt.Sprint(resp.StatusCode))
		}
	}
}

// Both engines see the same requests in the same bytes, and answer nothing after a request whose end two programs may see in
// different places. The differences: net/http hides whether a request in chunks also had a length, so the connection closes
// after it, and net/http refuses empty lines before a request.
func TestTheEnginesSeeTheSameRequests(t *testing.T) {
	t.Parallel()
	const post, get = "POST /api/randomNumber HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n", "GET /api/none HTTP/1.1\r\nHost: localhost\r\n\r\n"
	const chunked, old = "Transfer-Encoding: chunked\r\n", "POST /api/randomNumber HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	tests := map[string]struct{ text, fast, off string }{
		"two requests":                 {post + "Content-Length: 2\r\n\r\n{}" + get, "200 404", ""},
		"chunks":                       {post + chunked + "\r\n2\r\n{}\r\n0\r\n\r\n" + get, "200 404", "200"},
		"chunks in capitals":           {post + "TRANSFER-ENCODING: Chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + get, "200 404", "200"},
		"chunks and a length":          {post + chunked + "Content-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + get, "200", ""},
		"a length and chunks":          {post + "Content-Length: 5\r\n" + chunked + "\r\n0\r\n\r\n" + get, "200", ""},
		"chunks twice":                 {post + chunked + chunked + "\r\n0\r\n\r\n" + get, "501", ""},
		"a coding of no kind":          {post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + get, "501", ""},
		"an extension":                 {post + chunked + "\r\n2;a=\"\r\n\"\r\n{}\r\n0\r\n\r\n" + get, "400", ""},
		"a plain extension":            {post + chunked + "\r\n2;a=b\r\n{}\r\n0\r\n\r\n" + get, "200", ""},
		"a trailer":                    {post + chunked + "\r\n2\r\n{}\r\n0\r\nA: b\r\n\r\n" + get, "200", ""},
		"a size with bare line feeds":  {post + chunked + "\r\n2\n{}\n0\n\n" + get, "400", ""},
		"a chunk that is too long":     {post + chunked + "\r\n2\r\n{}x\r\n0\r\n\r\n" + get, "400", ""},
		"a huge size":                  {post + chunked + "\r\nffffffffffffffffff\r\n{}\r\n0\r\n\r\n" + get, "400", ""},
		"a size that is negative":      {post + chunked + "\r\n-2\r\n{}\r\n0\r\n\r\n" + get, "400", ""},
		"chunks that end too early":    {post + chunked + "\r\n2\r\n{}\r\n", "400", ""},
		"Expect with a body":           {post + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}" + get, "200 404", ""},
		"Expect in capitals":           {post + "Expect: 100-CONTINUE\r\nContent-Length: 2\r\n\r\n{}" + get, "200 404", ""},
		"Expect and chunks":            {post + "Expect: 100-continue\r\n" + chunked + "\r\n2\r\n{}\r\n0\r\n\r\n" + get, "200", ""},
		"Expect and nothing":           {post + "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n" + get, "200 404", ""},
		"another expectation":          {post + "Expect: 100-continued\r\nContent-Length: 2\r\n\r\n{}" + get, "417", ""},
		"HTTP/1.0":                     {old + "\r\n" + get, "200", ""},
		"HTTP/1.0 with a length":       {old + "Content-Length: 2\r\n\r\n{}" + get, "200", ""},
		"HTTP/1.0 with chunks":         {old + chunked + "\r\n2\r\n{}\r\n0\r\n\r\n" + get, "200", ""},
		"HTTP/1.0 without Host":        {"GET /api/randomNumber HTTP/1.0\r\n\r\n" + get, "200", ""},
		"HTTP/1.0, two Hosts":          {"GET /api/randomNumber HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n" + get, "400", ""},
		"HTTP/1.1 without Host":        {"GET /api/randomNumber HTTP/1.1\r\n\r\n" + get, "400", ""},
		"HTTP/1.2":                     {"GET /api/randomNumber HTTP/1.2\r\nHost: localhost\r\n\r\n" + get, "200 404", ""},
		"an empty line before":         {"\r\n" + get + "\r\n" + get, "404 404", "400"},
		"an empty line in the headers": {post + "\r\nContent-Length: 2\r\n\r\n{}" + get, "200 400", ""},
		"a body that looks like one":   {post + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(get)) + get + get, "400 404", ""},
	}
	for _, fast := range []bool{true, false} {
		s := start(t, func(cfg *server.Config) { cfg.CommonWeb.FastPath = &fast })
		for name, test := range tests {
			for port, dial := range map[string]func() (net.Conn, error){"HTTP": s.DialHTTP, "HTTPS": s.DialHTTPS("http/1.1")} {
				t.Run(fmt.Sprint(name, ", ", port, ", ", fast), func(t *testing.T) {
					t.Parallel()
					want := test.fast
					if !fast && test.off != "" {
						want = test.off
					}
					if got := statuses(t, dial, test.text); got != want {
						t.Errorf("%q is answered with %s, want %s", test.text, got, want)
					}
				})
			}
		}
	}
}
