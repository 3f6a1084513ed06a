//go:build unix

package dev

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/internal/devpage"
	"github.com/actionhero-go/actionhero/internal/supervise"
)

// front answers at the HTTP port while no process of the app runs. Connections to other ports wait for the next process.
type front struct {
	pages    *devpage.Pages
	stopping chan struct{} // closed when the streams of events end
	servers  []*http.Server
	serving  sync.WaitGroup
}

// httpPort is the name under which an app asks for its HTTP port.
const httpPort = "httpServer.port"

// frontTime bounds the time for the requests that run when the front closes.
const frontTime = 2 * time.Second

func openFront(sockets *supervise.Sockets, pages *devpage.Pages, stopping chan struct{}) (*front, error) {
	f := &front{pages: pages, stopping: stopping}
	copies, err := sockets.Copies()
	for _, c := range copies {
		if c.Name != httpPort {
			_ = c.Close()
			continue
		}
		srv := &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
		srv.SetKeepAlivesEnabled(false) // so that the next request reaches the app
		f.servers = append(f.servers, srv)
		f.serving.Go(func() { _ = srv.Serve(c.Listener) }) // it ends with the front
	}
	return f, err
}

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, devpage.Path) {
		f.pages.ServeHTTP(w, r)
		return
	}
	f.pages.Fail(w, r)
}

// close accepts no more connections, and answers those that were accepted. It returns at once; wait waits for the answers.
func (f *front) close() {
	close(f.stopping)
	ctx, cancel := context.WithTimeout(context.Background(), frontTime)
	var ending sync.WaitGroup
	for _, srv := range f.servers {
		ending.Go(func() {
			if srv.Shutdown(ctx) != nil {
				_ = srv.Close()
			}
		})
	}
	f.serving.Go(func() {
		defer cancel()
		ending.Wait()
	})
}

func (f *front) wait() { f.serving.Wait() }
