package http1_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// A goroutine that a handler has left behind may ask its context for the first time after the request was given back. This
// neither crashes the process nor ends the context of the next request.
func TestAStaleContextHarmsNoRequest(t *testing.T) {
	t.Parallel()
	contexts := make(chan context.Context, 1)
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/check" && r.Context().Err() != nil {
			t.Error("the context of a request has ended before")
		}
		contexts <- r.Context()
		fmt.Fprint(w, "ok")
		reuse(w)
	}))
	nc := s.dial(t)
	in := bufio.NewReader(nc)
	for range 50 {
		fmt.Fprint(nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
		expect(t, in, "ok")
		stale := <-contexts
		<-contexts // the second request runs: the first was given back
		expect(t, in, "ok")
		stale.Done()
		_ = stale.Err()
		fmt.Fprint(nc, "GET /check HTTP/1.1\r\nHost: x\r\n\r\n")
		expect(t, in, "ok")
		<-contexts
	}
}

// A goroutine of a handler may ask its context for the first time while the handler returns. It must not read the next
// request of the connection.
func TestAContextThatIsAskedAtTheEndReadsNothing(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	round := 0
	s := newServer(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx, wait := r.Context(), round%40
		var ready, now atomic.Bool
		go func() {
			ready.Store(true)
			for !now.Load() {
				runtime.Gosched()
			}
			for range wait {
				_ = now.Load()
			}
			ctx.Done()
			asked <- struct{}{}
		}()
		for !ready.Load() {
			runtime.Gosched()
		}
		now.Store(true)
	}))
	nc := s.dial(t)
	in := bufio.NewReader(nc)
	for round = range 5000 {
		fmt.Fprint(nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		<-asked
		_ = nc.SetReadDeadline(time.Now().Add(2 * time.Second))
		expect(t, in, "")
	}
}

// A goroutine of an earlier request reads no connection of a later one.
func TestAStaleContextKnowsNoOtherConnection(t *testing.T) {
	t.Parallel()
	contexts := make(chan context.Context, 1)
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case contexts <- r.Context():
		default:
		}
		fmt.Fprint(w, "ok")
		reuse(w)
	}))
	nc := s.dial(t)
	in := bufio.NewReader(nc)
	ended, asked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(asked)
		for {
			select {
			case <-ended:
				return
			case ctx := <-contexts:
				for range 20 {
					_ = ctx.Value(http.LocalAddrContextKey)
				}
			}
		}
	}()
	for range 2000 {
		fmt.Fprint(nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		expect(t, in, "ok")
	}
	close(ended)
	<-asked
}
