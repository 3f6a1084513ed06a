package http1_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/http1"
)

// reuse permits the reuse of a request.
func reuse(w http.ResponseWriter) { w.(interface{ Reuse() }).Reuse() }

// A context whose Done was called before the handler returned belongs to its own request for ever.
func TestAContextInUseIsNotReused(t *testing.T) {
	t.Parallel()
	var kept []context.Context
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer reuse(w)
		for _, old := range kept {
			if old == r.Context() || old.Err() == nil {
				t.Error("a request has the context of an earlier request")
			}
		}
		if r.URL.Path == "/keep" {
			r.Context().Done()
			kept = append(kept, r.Context())
		}
		fmt.Fprint(w, r.URL.Path, r.Header.Get("X"), r.ContentLength)
	}))
	nc := s.dial(t)
	in := bufio.NewReader(nc)
	for range 20 {
		fmt.Fprint(nc, "GET /keep HTTP/1.1\r\nHost: x\r\nX: 1\r\n\r\n")
		expect(t, in, "/keep10")
		fmt.Fprint(nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		expect(t, in, "/0")
	}
}

// Nothing of a request is left in the next one that uses the same memory.
func TestAReusedRequestIsEmpty(t *testing.T) {
	t.Parallel()
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer reuse(w)
		if len(w.Header()) > 0 || r.Form != nil || r.Pattern != "" || r.Close != (r.URL.Path == "/close") {
			t.Errorf("%s has %v, %v, %q, %v", r.URL.Path, w.Header(), r.Form, r.Pattern, r.Close)
		}
		_ = r.ParseForm()
		r.Pattern = "pattern"
		w.Header().Set("X", "1")
		text, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %v %q %v", r.Method, r.URL, r.Header, text, err)
	}))
	for range 3 {
		nc := s.dial(t)
		in := bufio.NewReader(nc)
		for range 5 {
			fmt.Fprint(nc, "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nA: 1\r\n\r\nz")
			expect(t, in, `POST /a?b=c map[A:[1] Content-Length:[1]] "z" <nil>`)
			fmt.Fprint(nc, "GET /b HTTP/1.1\r\nHost: x\r\nB: 1\r\nB: 2\r\n\r\n")
			expect(t, in, `GET /b map[B:[1 2]] "" <nil>`)
			fmt.Fprint(nc, "GET /%62?%63 HTTP/1.1\r\nHost: x\r\n\r\n")
			expect(t, in, `GET /%62?%63 map[] "" <nil>`)
		}
		fmt.Fprint(nc, "GET /close HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		expect(t, in, `GET /close map[Connection:[close]] "" <nil>`)
	}
}

// rate is a limit with a header X-Rate.
type rate struct{}

func (r rate) AppendLines(dst []byte, left int, next time.Duration) []byte {
	return fmt.Appendf(dst, "X-Rate: %d %v\r\n", left, next)
}

func (r rate) Add(header http.Header, left int, next time.Duration) {
	header.Add("X-Rate", fmt.Sprintf("%d %v", left, next))
}

// lines returns the lines of a response in an order of their own.
func lines(text string) []string { return slices.Sorted(strings.SplitSeq(text, "\r\n")) }

// A response with prepared headers is the same as one with these headers in a map, for each status.
func TestPreparedHeadersAreSentLikeOthers(t *testing.T) {
	t.Parallel()
	header := http.Header{"Content-Type": {"text/x"}, "A": {" 1 ", "2\n"}, "Cache-Control": {"no-store"}}
	base, prepared := http1.Prepare(http.Header{"A": {"0"}}), http1.Prepare(header)
	for name := range map[string]bool{"Connection": true, "Content-Length": true, "Date": true, "Trailer": true, "Transfer-Encoding": true, "Trailer:X": true} {
		if http1.Prepare(http.Header{name: {"1"}}) != nil {
			t.Errorf("the header %s is prepared", name)
		}
	}
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := 0
		_, _ = fmt.Sscan(r.URL.RawQuery, &status)
		fast := w.(interface {
			SwapPrepared(old, p *http1.Prepared) bool
		})
		switch r.URL.Path {
		case "/map":
			for name, values := range header {
				w.Header()[name] = values
			}
		case "/map-added":
			for name, values := range header {
				w.Header()[name] = values
			}
			w.Header()["X-Rate"] = []string{"1 0s", "2 1s", "3 2s"}
		case "/map-more":
			for name, values := range header {
				w.Header()[name] = values
			}
			w.Header()["X-More"], w.Header()["Y-More"] = []string{"1"}, []string{"2"}
		case "/more", "/more-seen":
			add := w.(interface{ AddPrepared(p *http1.Prepared) bool }).AddPrepared
			one, two := http1.Prepare(http.Header{"X-More": {"1"}}), http1.Prepare(http.Header{"Y-More": {"2"}})
			if add(one) || !fast.SwapPrepared(nil, base) || add(nil) || !add(one) || !fast.SwapPrepared(base, prepared) || !add(two) || add(base) {
				t.Error("the headers are not added as documented")
			}
			if r.URL.Path == "/more-seen" && (w.Header().Get("X-More") != "1" || w.Header().Get("Y-More") != "2") {
				t.Errorf("the headers are %v", w.Header())
			}
		case "/encoded":
			if !fast.SwapPrepared(nil, http1.Prepare(http.Header{"Content-Encoding": {"br"}})) {
				t.Error("the headers are not swapped")
			}
		case "/map-encoded":
			w.Header().Set("Content-Encoding", "br")
		case "/added", "/added-seen":
			add := func(left int) bool {
				return w.(interface {
					AddLimit(limit http1.Limit, left int, next time.Duration) bool
				}).AddLimit(rate{}, left, time.Duration(left-1)*time.Second)
			}
			if add(1) || !fast.SwapPrepared(nil, base) || !add(1) || !fast.SwapPrepared(base, prepared) || !add(2) || !add(3) || add(4) {
				t.Error("the headers are not added as documented")
			}
			if r.URL.Path == "/added-seen" && (!slices.Equal(w.Header()["X-Rate"], []string{"1 0s", "2 1s", "3 2s"}) || add(4)) {
				t.Errorf("the headers are %v", w.Header())
			}
		default:
			if !fast.SwapPrepared(nil, base) || fast.SwapPrepared(nil, prepared) || fast.SwapPrepared(prepared, base) || !fast.SwapPrepared(base, prepared) || fast.SwapPrepared(prepared, nil) {
				t.Error("the headers are not swapped as documented")
			}
			if r.URL.Path == "/seen" && (w.Header().Get("Content-Type") != "text/x" || fast.SwapPrepared(prepared, base)) {
				t.Errorf("the headers are %v", w.Header())
			}
		}
		if r.URL.Path != "/early" && r.URL.Path != "/encoded" && r.URL.Path != "/more" {
			w.Header().Set("Date", "now")
		}
		if w.WriteHeader(status); status != 204 && status != 304 {
			fmt.Fprint(w, "body")
		}
		if fast.SwapPrepared(prepared, base) {
			t.Error("the headers are swapped after the response has begun")
		}
	}))
	read := func(target string) string {
		nc := s.dial(t)
		fmt.Fprintf(nc, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", target)
		text, err := io.ReadAll(nc)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, _ := strings.Cut(string(text), "Date: ")
		_, after, _ := strings.Cut(rest, "\r\n")
		return before + after
	}
	for _, status := range []int{200, 201, 204, 304, 404} {
		for _, path := range []string{"/added", "/added-seen"} {
			if got, want := read(fmt.Sprintf("%s?%d", path, status)), read(fmt.Sprintf("/map-added?%d", status)); got != want {
				t.Errorf("%s is answered with %q, want %q", path, got, want)
			}
		}
		want := read(fmt.Sprintf("/map?%d", status))
		for _, path := range []string{"/prepared", "/seen"} {
			if got := read(fmt.Sprintf("%s?%d", path, status)); got != want {
				t.Errorf("%s is answered with %q, want %q", path, got, want)
			}
		}
		for _, pair := range [][2]string{{"/more-seen", "/map-more"}, {"/more", "/map-more"}, {"/encoded", "/map-encoded"}} {
			got, want := lines(read(fmt.Sprintf("%s?%d", pair[0], status))), lines(read(fmt.Sprintf("%s?%d", pair[1], status)))
			if !slices.Equal(got, want) {
				t.Errorf("%s is answered with %q, want %q", pair[0], got, want)
			}
		}
		early := read(fmt.Sprintf("/early?%d", status)) // Date is the last header, after Content-Length
		for line := range strings.SplitSeq(want, "\r\n") {
			if !strings.Contains(early, line) || len(early) != len(want) {
				t.Errorf("the early response is %q, want %q", early, want)
			}
		}
	}
}
