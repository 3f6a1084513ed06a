//go:build unix

package redistest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Slots is the number of slots of a Cluster.
const Slots = 16384

// Cluster is a Redis Cluster of masters without replicas.
type Cluster struct {
	Masters []*Server
	ids     []string // the node ids of Masters
}

// StartCluster starts a Cluster of n masters, each with an equal part of the slots. It ends with the test.
func (f Flavor) StartCluster(t testing.TB, n int, o Options) *Cluster {
	t.Helper()
	o.Lines = append([]string{"cluster-enabled yes", "cluster-config-file nodes.conf", "cluster-node-timeout 15000"}, o.Lines...)
	c := &Cluster{}
	for i := range n {
		s := f.Start(t, o)
		c.Masters = append(c.Masters, s)
		id, _ := s.Do(t, "CLUSTER", "MYID").(string)
		c.ids = append(c.ids, id)
		s.Do(t, "CLUSTER", "SET-CONFIG-EPOCH", i+1)
		s.Do(t, "CLUSTER", "ADDSLOTSRANGE", i*Slots/n, (i+1)*Slots/n-1)
	}
	for _, s := range c.Masters[1:] {
		s.Do(t, "CLUSTER", "MEET", "127.0.0.1", c.Masters[0].Port)
	}
	c.WaitReady(t)
	return c
}

// Addrs returns the addresses of all masters.
func (c *Cluster) Addrs() (addrs []string) {
	for _, s := range c.Masters {
		addrs = append(addrs, s.Addr)
	}
	return addrs
}

// WaitReady waits until every master knows all others and serves all slots.
func (c *Cluster) WaitReady(t testing.TB) {
	t.Helper()
	eventually(t, "all masters of the Cluster are ready", func() bool {
		for _, s := range c.Masters {
			reply, err := s.TryDo("CLUSTER", "INFO")
			text, _ := reply.(string)
			if err != nil || fieldOf(text, "cluster_state") != "ok" || fieldOf(text, "cluster_size") != fmt.Sprint(len(c.Masters)) {
				return false
			}
		}
		return true
	})
}

// Owner returns the index of the master that serves the slot.
func (c *Cluster) Owner(t testing.TB, slot int) int {
	t.Helper()
	ranges, _ := c.Masters[0].Do(t, "CLUSTER", "SLOTS").([]any)
	for _, r := range ranges {
		row, _ := r.([]any)
		from, _ := row[0].(int64)
		to, _ := row[1].(int64)
		node, _ := row[2].([]any)
		if int64(slot) < from || int64(slot) > to {
			continue
		}
		for i, id := range c.ids {
			if id == node[2] {
				return i
			}
		}
	}
	t.Fatalf("no master serves slot %d", slot)
	return 0
}

// SlotMove is a slot on its way from one master to another. Between [Cluster.BeginMove] and [SlotMove.End] the commands
// for keys that have moved are redirected with ASK.
type SlotMove struct {
	c        *Cluster
	slot     int
	from, to int
}

// BeginMove begins to move the slot to the master with the index to.
func (c *Cluster) BeginMove(t testing.TB, slot, to int) *SlotMove {
	t.Helper()
	m := &SlotMove{c: c, slot: slot, from: c.Owner(t, slot), to: to}
	if m.from == to {
		t.Fatalf("slot %d is at master %d already", slot, to)
	}
	c.Masters[to].Do(t, "CLUSTER", "SETSLOT", slot, "IMPORTING", c.ids[m.from])
	c.Masters[m.from].Do(t, "CLUSTER", "SETSLOT", slot, "MIGRATING", c.ids[to])
	return m
}

// Step moves at most n keys of the slot and returns the number of keys that it moved.
func (m *SlotMove) Step(t testing.TB, n int) int {
	t.Helper()
	from, to := m.c.Masters[m.from], m.c.Masters[m.to]
	keys, _ := from.Do(t, "CLUSTER", "GETKEYSINSLOT", m.slot, n).([]any)
	if len(keys) > 0 {
		from.Do(t, append([]any{"MIGRATE", "127.0.0.1", to.Port, "", 0, 10_000, "KEYS"}, keys...)...)
	}
	return len(keys)
}

// End moves the remaining keys and makes the other master the owner of the slot.
func (m *SlotMove) End(t testing.TB) {
	t.Helper()
	for m.Step(t, 100) > 0 {
	}
	id := m.c.ids[m.to]
	m.c.Masters[m.to].Do(t, "CLUSTER", "SETSLOT", m.slot, "NODE", id)
	// A write may have added a key to the old owner since the last Step; SETSLOT then fails, as it must.
	m.c.Masters[m.from].Do(t, "CLUSTER", "SETSLOT", m.slot, "NODE", id)
	for i, s := range m.c.Masters {
		if i != m.from && i != m.to {
			s.Do(t, "CLUSTER", "SETSLOT", m.slot, "NODE", id)
		}
	}
}

// MoveSlot moves a whole slot.
func (c *Cluster) MoveSlot(t testing.TB, slot, to int) {
	t.Helper()
	c.BeginMove(t, slot, to).End(t)
}

// Slot returns the slot of a key, by its hash tag if it has one.
func Slot(key string) int {
	if i := strings.IndexByte(key, '{'); i >= 0 {
		if n := strings.IndexByte(key[i+1:], '}'); n > 0 {
			key = key[i+1 : i+1+n]
		}
	}
	crc := uint16(0)
	for i := range len(key) {
		crc ^= uint16(key[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc) % Slots
}

// eventually blocks until condition returns true, and ends the test if that takes longer than startLimit.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(startLimit); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%v later this is still not so: %s", startLimit, what)
		}
	}
}
