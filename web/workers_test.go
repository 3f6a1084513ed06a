package web

import (
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A worker serves one request after another, a handler that panics or ends its goroutine ends its worker, and workers that
// are not needed end.
func TestWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var together sync.WaitGroup
		p := workers{pacer: &pacer{timeout: 24 * time.Hour}, serve: func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "panic":
				panic("as planned")
			case "exit":
				runtime.Goexit()
			case "exit, panic":
				defer func() { panic(http.ErrAbortHandler) }()
				runtime.Goexit()
			case "together":
				together.Done()
				together.Wait()
			}
		}}
		do := func(path string) outcome {
			r, _ := http.NewRequest("GET", "http://x", http.NoBody)
			r.URL.Path = path
			return p.do(nil, r)
		}
		for path, want := range map[string]outcome{
			"": {}, "panic": {abnormal: true, panicked: "as planned"}, "exit": {abnormal: true},
			"exit, panic": {abnormal: true, panicked: http.ErrAbortHandler},
		} {
			got := do(path)
			if (got.stack != "") != (path == "panic") {
				t.Errorf("%q: the stack is %q", path, got.stack)
			}
			if got.stack = ""; got != want {
				t.Errorf("%q: got %v, want %v", path, got, want)
			}
		}
		var asking sync.WaitGroup
		together.Add(10)
		for range 10 {
			asking.Go(func() { do("together") })
		}
		asking.Wait()
		for _, want := range []int{10, 10, 1} {
			if len(p.idle) != want {
				t.Errorf("%d workers are idle, want %d", len(p.idle), want)
			}
			p.trim(false)
			do("")
		}
		p.stop()
		do("")
		if len(p.idle) > 0 {
			t.Errorf("%d workers are idle after the stop", len(p.idle))
		}
	})
}

// While no HTTP/2 request runs, the server has neither workers nor a timer for them.
func TestWorkersEndWithThePacer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := workers{serve: func(http.ResponseWriter, *http.Request) {}}
		pacer := pacer{timeout: time.Minute, workers: &p}
		p.pacer = &pacer
		w := &progressWriter{pacer: &pacer, isOurs: true}
		pacer.add(w)
		p.do(nil, nil)
		w.finish()
		time.Sleep(time.Minute)
		p.do(nil, nil)          // without a writer, like a request above the limit
		time.Sleep(time.Minute) // in a bubble
		synctest.Wait()
		if pacer.mu.Lock(); pacer.armed || pacer.first != nil || len(p.idle) > 0 {
			t.Errorf("armed: %v, %d idle workers", pacer.armed, len(p.idle))
		}
		pacer.mu.Unlock()
	})
}
