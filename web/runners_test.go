package web

import (
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// Connections that follow each other share a goroutine, those at the same time have one each, also if a handler ends its
// goroutine. Goroutines that were idle for a whole tick end, and all with stop.
func TestConnectionsShareGoroutines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var served atomic.Int32
		open := make(chan func())
		p := runners{serve: func(net.Conn) {
			served.Add(1)
			(<-open)()
		}}
		idle := func(want int) {
			t.Helper()
			synctest.Wait()
			if len(p.idle) != want {
				t.Fatalf("after %d connections %d goroutines are idle, want %d", served.Load(), len(p.idle), want)
			}
		}
		end := func() {}
		for range 3 {
			p.run(nil)
			idle(0)
			open <- end
			idle(1)
		}
		for range 3 {
			p.run(nil)
		}
		idle(0)
		open <- runtime.Goexit
		open <- end
		open <- end
		idle(2)
		p.trim() // one was needed since the last trim
		idle(2)
		p.run(nil)
		open <- end
		idle(2)
		p.trim()
		idle(1)
		p.run(nil)
		idle(0)
		p.stop()
		p.run(nil)
		open <- end
		open <- end
		idle(0)
		if served.Load() != 9 {
			t.Errorf("%d connections were served", served.Load())
		}
	})
}
