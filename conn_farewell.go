package actionhero

import (
	"context"
	"net/netip"
	"sync"
)

// maxFarewells is the number of clients of one address that may have gone while functions of the connection middleware
// still run for them. Above it, the next client of that address waits. Without the limit, a client that connects and
// leaves in a loop starts these functions faster than they return, because its place is free when its connection ends.
const maxFarewells = 256

// farewells counts, by address, the clients that have gone and for which functions of the connection middleware may
// still run.
type farewells struct {
	mu sync.Mutex
	at map[netip.Prefix]*farewell
}

type farewell struct {
	running int
	fewer   chan struct{} // closed when running falls below maxFarewells; nil: no client waits
}

func farewellKey(c *Conn) netip.Prefix {
	key, _ := limitKey(c.Remote.Addr().String())
	return key
}

func (f *farewells) begin(key netip.Prefix) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at == nil {
		f.at = map[netip.Prefix]*farewell{}
	}
	if f.at[key] == nil {
		f.at[key] = &farewell{}
	}
	f.at[key].running++
}

func (f *farewells) end(key netip.Prefix) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.at[key]
	if at.running--; at.running < maxFarewells && at.fewer != nil {
		close(at.fewer)
		at.fewer = nil
	}
	if at.running == 0 {
		delete(f.at, key)
	}
}

// wait blocks until fewer than maxFarewells clients of the address are leaving. It returns the error of ctx if ctx ends
// before.
func (f *farewells) wait(ctx context.Context, key netip.Prefix) error {
	for {
		fewer := f.full(key)
		if fewer == nil {
			return nil
		}
		select {
		case <-fewer:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// full returns nil, or a channel that is closed when another client of the address may come.
func (f *farewells) full(key netip.Prefix) chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.at[key]
	if at == nil || at.running < maxFarewells {
		return nil
	}
	if at.fewer == nil {
		at.fewer = make(chan struct{})
	}
	return at.fewer
}
