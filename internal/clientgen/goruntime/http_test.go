package goruntime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func serve(t *testing.T, handler http.HandlerFunc) *HTTP {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return &HTTP{URL: s.URL + "/", Client: s.Client()}
}

func TestBothEnvelopesAreRead(t *testing.T) {
	t.Parallel()
	const classic = `"serverInformation":{},"requestorInformation":{},`
	for _, c := range []struct {
		status       int
		header, body string
		code         Code
		message      string
		after        time.Duration
		n            int
	}{
		{200, "", `{"n":1}`, "", "", 0, 1},
		{200, "", `{"n":2,` + classic + `"error":"OK"}`, "", "", 0, 2},
		{204, "", ``, "", "", 0, 0},
		{200, "", `{` + classic + `"error":"no","errorCode":"conflict"}`, CodeConflict, "no", 0, 0},
		{404, "", `{` + classic + `"error":"no","errorCode":"notFound"}`, CodeNotFound, "no", 0, 0},
		{400, "", `{"code":"invalidInput","detail":"no","instance":"7","errors":[{"field":"a"}]}`, CodeInvalidInput, "no", 0, 0},
		{429, "3", `{"code":"resourceExhausted","detail":"no"}`, CodeResourceExhausted, "no", 3 * time.Second, 0},
		{429, "", `{"code":"resourceExhausted","detail":"no","retryAfter":4}`, CodeResourceExhausted, "no", 4 * time.Second, 0},
		{502, "", `<html>`, CodeUnavailable, "the status is 502 Bad Gateway", 0, 0},
		{418, "", `<html>`, CodeProtocol, "the status is 418 I'm a teapot", 0, 0},
		{200, "", `<html>`, CodeProtocol, "the answer is no JSON object", 0, 0},
		{200, "", `{"n":"x"}`, CodeProtocol, "the answer does not have the type of the output", 0, 0},
	} {
		h := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if c.header != "" {
				w.Header().Set("Retry-After", c.header)
			}
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		})
		var out struct{ N int }
		err := h.Call(t.Context(), &Spec{Name: "a", Path: "/a"}, nil, &out)
		var e *Error
		if CodeOf(err) != c.code || errors.As(err, &e) && (e.Message != c.message || e.RetryAfter != c.after || e.Status != c.status && e.Status != 0) || out.N != c.n {
			t.Errorf("%d %s: %v %+v, %+v", c.status, c.body, err, e, out)
		}
	}
	members := map[string]int{}
	h := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"n":2,`+classic+`"error":"OK"}`)
	})
	if err := h.Call(t.Context(), &Spec{Name: "a"}, nil, &members); err != nil || len(members) != 1 || members["n"] != 2 {
		t.Errorf("%v %v", err, members)
	}
}

// withFile is an input with a file.
type withFile struct {
	ID    int               `json:"id"`
	Tags  []string          `json:"tags"`
	Owner Optional[string]  `json:"owner,omitzero"`
	Next  *Optional[string] `json:"next,omitempty"`
	File  *Upload           `json:"-"`
}

func (w withFile) uploads() []formFile { return []formFile{{"file", w.File}, {"none", nil}} }

// A file is sent from its first position in each attempt. A reader that cannot go back is sent once.
func TestAnUploadIsSentWholeInEachAttempt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body     io.Reader
		requests int
	}{{strings.NewReader("skip:the file"), 2}, {io.LimitReader(strings.NewReader("the file"), 99), 1}} {
		if s, ok := c.body.(io.Seeker); ok {
			_, _ = s.Seek(5, io.SeekStart)
		}
		var requests atomic.Int32
		h := serve(t, func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			if err := r.ParseMultipartForm(1 << 20); err != nil {
				t.Error(err)
				return
			}
			file, header, err := r.FormFile("file")
			if err != nil {
				t.Error(err)
				return
			}
			text, _ := io.ReadAll(file)
			if string(text) != "the file" || header.Filename != "file" || r.FormValue("id") != "7" || r.FormValue("tags") != `["a","b"]` || r.Form.Has("owner") {
				t.Errorf("%q %+v %v", text, header, r.Form)
			}
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		in := withFile{ID: 7, Tags: []string{"a", "b"}, Owner: Null[string](), File: &Upload{Body: c.body}}
		err := h.Call(t.Context(), &Spec{Name: "a", Path: "/a", Idempotent: true}, in, nil, WithRetries(1))
		if !errors.Is(err, CodeUnavailable) || int(requests.Load()) != c.requests {
			t.Errorf("%v after %d requests", err, requests.Load())
		}
	}
}

// A refused token is renewed, and the call sent again, but not with a reader that cannot go back.
func TestAnUploadIsNotSentHalfAfterARefusedToken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body     io.Reader
		requests int
	}{{strings.NewReader("the file"), 2}, {io.LimitReader(strings.NewReader("the file"), 99), 1}} {
		var requests atomic.Int32
		h := serve(t, func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			_ = r.ParseMultipartForm(1 << 20)
			file, _, err := r.FormFile("file")
			if err != nil {
				t.Error(err)
				return
			}
			if text, _ := io.ReadAll(file); string(text) != "the file" {
				t.Errorf("the file is %q", text)
			}
			w.WriteHeader(http.StatusUnauthorized)
		})
		h.Auth = func(_ context.Context, refused bool) (string, error) {
			return map[bool]string{false: "old", true: "new"}[refused], nil
		}
		err := h.Call(t.Context(), &Spec{Name: "a", Path: "/a"}, withFile{File: &Upload{Body: c.body}}, nil)
		if !errors.Is(err, CodeUnauthenticated) || int(requests.Load()) != c.requests {
			t.Errorf("%v after %d requests, want %d", err, requests.Load(), c.requests)
		}
	}
}

func TestABodyOfItsOwnHasTheInputsInTheURL(t *testing.T) {
	t.Parallel()
	h := serve(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"got":`+string(bytes.TrimSpace(text))+`,"query":"`+r.URL.RawQuery+`"}`)
	})
	var out struct {
		Got   int
		Query string
	}
	in := map[string]any{"a": "x y", "n": 5, "none": nil}
	if err := h.Call(t.Context(), &Spec{Name: "a", Path: "/a", Idempotent: true}, in, &out, WithBody(strings.NewReader("12"), "text/plain")); err != nil || out.Got != 12 || out.Query != "a=x+y&n=5" {
		t.Errorf("%v %+v", err, out)
	}
	if err := h.Call(t.Context(), &Spec{Name: "a", Over: []string{"tcp"}}, nil, nil); !errors.Is(err, CodeInvalidCall) {
		t.Errorf("%v", err)
	}
}

func TestAnOptionalIsAbsentNullOrAValue(t *testing.T) {
	t.Parallel()
	type input struct {
		A, B, C Optional[int] `json:",omitzero"`
	}
	text, err := json.Marshal(input{A: Some(0), B: Null[int]()})
	if err != nil || string(text) != `{"A":0,"B":null}` {
		t.Errorf("%s %v", text, err)
	}
	var back input
	if err := json.Unmarshal(text, &back); err != nil || back != (input{A: Some(0), B: Null[int]()}) {
		t.Errorf("%+v %v", back, err)
	}
}

// The delay doubles up to its limit, however many attempts there were.
func TestTheDelayHasALimit(t *testing.T) {
	t.Parallel()
	for _, attempt := range []int{0, 1, 5, 62, 63, 64, 1 << 30} {
		if d := backoff(attempt, time.Millisecond, time.Second); d < time.Millisecond/2 || d > time.Second {
			t.Errorf("attempt %d waits for %v", attempt, d)
		}
	}
}
