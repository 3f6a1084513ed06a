package actionhero_test

import (
	"net/netip"
	"runtime"
	"strconv"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// BenchmarkIdentityMemory reports the memory of the identity of a connection, in bytes: with the id of a user and a role.
func BenchmarkIdentityMemory(b *testing.B) {
	api := newAPI(b, actionhero.Config{})
	const n = 20_000
	conns := make([]*actionhero.Conn, n)
	for i := range conns {
		conns[i] = transport.Of(api).Connect("test", netip.MustParseAddrPort("127.0.0.1:1"), &collector{})
	}
	heap := func() int64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	for b.Loop() {
		before := heap()
		for i, c := range conns {
			id := actionhero.Identity{ID: "user-" + strconv.Itoa(i), Roles: []string{"agent"}}
			if err := c.SetIdentity(b.Context(), id); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(heap()-before)/n, "B/identity")
		for _, c := range conns {
			if err := c.SetIdentity(b.Context(), actionhero.Identity{}); err != nil {
				b.Fatal(err)
			}
		}
	}
	for _, c := range conns {
		transport.Of(api).Disconnect(c)
	}
}
