package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// hanging is a body of the app that returns some bytes and then blocks. If it is deaf, Close does not end that. If it is
// stuck, Close blocks instead of Read.
type hanging struct {
	begin    io.Reader
	deaf     bool
	stuck    bool
	blocked  *atomic.Int64 // the calls of Read that block
	closed   *atomic.Int64
	released chan struct{}
	gone     chan struct{}
	once     sync.Once
}

func (h *hanging) Read(p []byte) (int, error) {
	if n, _ := h.begin.Read(p); n > 0 {
		return n, nil
	}
	if h.stuck {
		return 0, io.EOF
	}
	h.blocked.Add(1)
	defer h.blocked.Add(-1)
	if h.deaf {
		<-h.released
		return 0, io.EOF
	}
	select {
	case <-h.gone:
	case <-h.released:
	}
	return 0, errors.New("closed")
}

func (h *hanging) Close() error {
	h.once.Do(func() { h.closed.Add(1); close(h.gone) })
	if h.stuck {
		<-h.released
	}
	return nil
}

// hangs is a server with the action "hang", and what happened to the bodies of its answers.
type hangs struct {
	*testkit.Server
	blocked, closed, opened atomic.Int64
	released                chan struct{} // closed at the end of the test
}

type hangInput struct {
	Begin int  `json:"begin"`
	Deaf  bool `json:"deaf"`
	Seek  bool `json:"seek"`
	Stuck bool `json:"stuck"`
}

func startHanging(t *testing.T, change func(*server.Config)) *hangs {
	h := &hangs{released: make(chan struct{})}
	action := actionhero.Action[hangInput, *actionhero.Content]{
		Name: "hang", Kind: actionhero.KindRead,
		Run: func(_ context.Context, in hangInput) (*actionhero.Content, error) {
			h.opened.Add(1)
			body := &hanging{begin: strings.NewReader(strings.Repeat("x", in.Begin)), deaf: in.Deaf, stuck: in.Stuck, blocked: &h.blocked, closed: &h.closed, released: h.released, gone: make(chan struct{})}
			content := &actionhero.Content{Body: body, Name: "a.txt", ModTime: time.Unix(1e9, 0)}
			if in.Seek {
				content.Body = struct {
					io.ReadCloser
					io.Seeker
				}{body, strings.NewReader(strings.Repeat("x", 100_000))}
			}
			return content, nil
		},
	}
	h.Server = start(t, change, action)
	t.Cleanup(func() {
		testkit.Eventually(t, "every call of a body has returned", func() bool { return h.blocked.Load() == 0 && h.Web.Abandoned() == 0 })
	})
	t.Cleanup(func() { close(h.released) })
	return h
}

var hangQueries = []string{"begin=0", "begin=10", "begin=100000", "begin=10&seek=true", "begin=0&deaf=true", "begin=10&deaf=true", "begin=10&seek=true&deaf=true"}

// A body that blocks does not outlive its client: it is closed, and the request ends even if the body notices nothing.
func TestABlockedContentEndsWithItsClient(t *testing.T) {
	t.Parallel()
	h := startHanging(t, func(cfg *server.Config) { cfg.CommonWeb.WriteTimeout = time.Hour })
	deaf := atomic.Int64{}
	everywhere(t, h.Server, func(t *testing.T, c *testkit.HTTPClient) {
		for _, query := range hangQueries {
			ctx, leave := context.WithCancel(t.Context())
			before := h.blocked.Load()
			done := make(chan struct{})
			go func() {
				defer close(done)
				if got, err := c.Try(ctx, "GET", "/api/hang?"+query, http.NoBody); err == nil {
					t.Errorf("%s is answered with %d %q", query, got.StatusCode, got.Text)
				}
			}()
			testkit.Eventually(t, "the body blocks", func() bool { return h.blocked.Load() > before })
			if leave(); strings.Contains(query, "deaf") {
				deaf.Add(1)
			}
			<-done
		}
	})
	t.Cleanup(func() {
		testkit.Eventually(t, "every body is closed, and no request waits for one", func() bool {
			return h.closed.Load() == h.opened.Load() && h.Web.Abandoned() == deaf.Load() && h.blocked.Load() == deaf.Load()
		})
	})
}

// A body that returns nothing for the write timeout ends its request: with an error if nothing was sent, otherwise with an
// incomplete response.
func TestABlockedContentEndsAtTheWriteTimeout(t *testing.T) {
	t.Parallel()
	h := startHanging(t, func(cfg *server.Config) { cfg.CommonWeb.WriteTimeout = 300 * time.Millisecond })
	everywhere(t, h.Server, func(t *testing.T, c *testkit.HTTPClient) {
		for _, query := range hangQueries {
			got, err := c.Try(t.Context(), "GET", "/api/hang?"+query, http.NoBody)
			if !strings.Contains(query, "begin=0") {
				if err == nil {
					t.Errorf("%s is answered in full: %d %.50q", query, got.StatusCode, got.Text)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			got.Want(t, 504, `"error":"The request took too long","errorCode":"deadlineExceeded"`)
		}
		c.Ask("GET", "/api/hang?begin=10&stuck=true", "").Want(t, 200, "xxxxxxxxxx")
		c.Ask("GET", "/api/randomNumber", "").Want(t, 200, `"error":"OK"`)
	})
	t.Cleanup(func() {
		if len(h.Log.With("error", "the Body of the Content returned nothing for commonWeb.writeTimeout")) == 0 {
			t.Error("the log does not say why")
		}
	})
}

// A stop ends the requests whose body blocks when its grace is over.
func TestABlockedContentEndsWithAStop(t *testing.T) {
	t.Parallel()
	h := startHanging(t, func(cfg *server.Config) { cfg.CommonWeb.WriteTimeout = time.Hour })
	var clients sync.WaitGroup
	for _, c := range []*testkit.HTTPClient{h.HTTP(t), h.HTTPS(t, false), h.HTTPS(t, true)} {
		for _, query := range hangQueries {
			clients.Go(func() {
				if got, err := c.Try(context.Background(), "GET", "/api/hang?"+query, http.NoBody); err == nil {
					t.Errorf("%s is answered with %d %q", query, got.StatusCode, got.Text)
				}
			})
		}
	}
	testkit.Eventually(t, "all bodies block", func() bool { return h.blocked.Load() == int64(3*len(hangQueries)) })
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := h.API.Stop(ctx); err == nil {
		t.Error("the stop had time enough")
	}
	clients.Wait()
	testkit.Eventually(t, "every body is closed", func() bool { return h.closed.Load() == h.opened.Load() })
}

// One client that leaves many bodies behind, which never return, gets no more of them, and leaves room for others.
func TestAbandonedContentsAreBounded(t *testing.T) {
	t.Parallel()
	h := startHanging(t, func(cfg *server.Config) {
		cfg.CommonWeb.WriteTimeout, cfg.CommonWeb.TrustedProxies = 10*time.Millisecond, []string{"127.0.0.1"}
	})
	c := h.HTTP(t)
	ask := func(client int) testkit.Reply {
		return c.Ask("GET", "/api/hang?begin=0&deaf=true", "", fmt.Sprintf("X-Forwarded-For: 192.0.2.%d", client))
	}
	most := int64(0)
	for client, room := range []int64{32, 16, 8} {
		most += room
		got := ask(client)
		for asked := 0; got.StatusCode == 504 && asked < 200; asked++ { // a body that has not begun in time is not abandoned
			got = ask(client)
		}
		got.Want(t, 503, `"errorCode":"unavailable"`)
		got.WantHeader(t, "Retry-After: 1")
		testkit.Eventually(t, "few bodies are abandoned", func() bool { // a Close that is slow counts, too, until it ends
			return h.Web.Abandoned() > most-room && h.Web.Abandoned() <= most
		})
	}
	c.Ask("GET", "/api/randomNumber", "", "X-Forwarded-For: 192.0.2.0").Want(t, 200, `"error":"OK"`)
}
