//go:build unix

package redis

import (
	"fmt"
	"testing"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// News have no numbers. After an interruption the census of the room says whether some are missing.
func TestMissingNewsAreAGap(t *testing.T) {
	t.Parallel()
	before, later := census{4, 2}, census{5, 3}
	for name, test := range map[string]struct {
		steps func(r *room)
		want  string
	}{
		"nothing has changed": {func(r *room) { r.interrupted(); r.resumed(); r.counted(before, true) }, ""},
		"a member came":       {func(r *room) { r.interrupted(); r.resumed(); r.counted(later, true) }, "!"},
		"once":                {func(r *room) { r.interrupted(); r.resumed(); r.counted(later, true); r.counted(before, true) }, "!"},
		"no interruption":     {func(r *room) { r.counted(later, true); r.message("+x") }, "0"},
		"the answer is older than the subscription": {func(r *room) {
			r.interrupted()
			r.counted(before, false)
			r.resumed()
			r.counted(later, true)
		}, "!"},
		"news come before the answer": {func(r *room) { r.interrupted(); r.resumed(); r.message("-x"); r.counted(later, true) }, "! 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := chainRoom()
			r.begin(position(7, 99, 4))
			r.members = map[string]string{"member": ""}
			r.flying = true // no flight, which would ask a server
			r.counted(before, false)
			test.steps(r)
			if got := r.queued(); got != test.want {
				t.Errorf("delivered: %q, want %q", got, test.want)
			}
		})
	}
}

// A node that was cut off while a member left tells a gap. A node that has missed nothing does not.
func TestAGapTellsOfNewsThatANodeHasMissed(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		server := f.Start(t, redistest.Options{})
		p := faultproxy.Start(t, server.Addr)
		config := at(server)
		config.Prefix = redistest.Prefix()
		b, _ := openListening(t, config)
		config.Port, config.URL = 0, "redis://"+p.Addr()
		a, heard := openListening(t, config)
		enterRoom(t, b, "room", "y")
		enterRoom(t, a, "room", "x")
		for i, change := range []func(){func() {}, func() { leaveRoom(t, b, "room", "y") }} {
			say(t, b, "room", fmt.Sprint("before ", i))
			basics.Eventually(t, "the message arrives", func() bool { return len(heard.heard("room")) == 2*i+1 })
			misses := func(some bool) func() bool {
				return func() bool {
					r := a.broker.find("room")
					r.mu.Lock()
					defer r.mu.Unlock()
					return (r.missing != missNone) == some
				}
			}
			p.Cut()
			basics.Eventually(t, "the node notices the cut", misses(true))
			change()
			p.Heal()
			basics.Eventually(t, "the members are counted", misses(false))
			say(t, b, "room", fmt.Sprint("after ", i))
			basics.Eventually(t, "a message arrives again", func() bool { return len(heard.heard("room")) == 2*i+2 })
			if got := heard.gap("room"); got != i {
				t.Errorf("%d gaps after %d changes that were missed", got, i)
			}
		}
	})
}

func leaveRoom(t *testing.T, b *Backend, room, member string) {
	t.Helper()
	if _, err := b.Broker().Move(t.Context(), backend.Change{Room: room, Member: member, Leave: true}); err != nil {
		t.Fatal(err)
	}
}
