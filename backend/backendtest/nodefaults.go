package backendtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// lapse is the time within which the members of a node that has died are gone. Busy machines need some more.
const lapse = 10 * time.Second

func nodesKill(t *tester) {
	nodes := t.nodes(3)
	t.enter(nodes[0].Broker(), "room", "x")
	for i := range 3 {
		t.enter(nodes[2].Broker(), "room", fmt.Sprint("y", i))
		t.enter(nodes[2].Broker(), fmt.Sprint("own ", i), "y")
	}
	nodes[2].Kill()
	began := time.Now()
	t.within(3*lapse, "the members of a dead node are gone", func() bool {
		return t.memberTexts(nodes[0], "room") == "x@a " && t.memberTexts(nodes[1], "room") == "x@a "
	})
	if d := time.Since(began); d > lapse {
		t.Logf("the members of a dead node were gone after %v", d)
	}
	t.within(lapse, "the news of that", func() bool {
		got := nodes[0].heard("room")
		return slices.Contains(got, "-y0") && slices.Contains(got, "-y1") && slices.Contains(got, "-y2")
	})
	t.wantPeers(nodes[0], "a", "b")
	t.eventually("b sees that c has left", func() bool { return nodes[1].watched() == "+a +c -c" || nodes[1].watched() == "+c +a -c" })
	if got := len(nodes[0].heard("room")); got != 1+3+3 {
		t.Errorf("node a has received %q", nodes[0].heard("room"))
	}
}

// nodesPause pauses a node for longer than its lease.
func nodesPause(t *tester) {
	nodes := t.nodes(2)
	t.enter(nodes[0].Broker(), "room", "x")
	for i := range 3 {
		t.enter(nodes[1].Broker(), "room", fmt.Sprint("y", i))
	}
	nodes[1].Pause()
	t.within(3*lapse, "the members of a paused node are gone", func() bool { return t.memberTexts(nodes[0], "room") == "x@a " })
	t.eventually("the paused node knows that it is cut off", func() bool { return errors.Is(nodes[1].Health(), backend.ErrUnavailable) })
	nodes[1].Heal()
	t.within(3*lapse, "its members are back", func() bool { return t.memberTexts(nodes[0], "room") == "x@a , y0@b , y1@b , y2@b " })
	t.eventually("it is healthy again", func() bool { return nodes[1].Health() == nil })
	if got, want := t.memberTexts(nodes[1], "room"), t.memberTexts(nodes[0], "room"); got != want {
		t.Errorf("the paused node sees the members %q, the other one %q", got, want)
	}
	t.wantPeers(nodes[1], "a", "b")
	t.publish(nodes[0].Broker(), backend.Message{Room: "room", Body: []byte(`"after"`)})
	t.eventually("messages arrive again", func() bool { return slices.Contains(nodes[1].heard("room"), `: "after"`) })
	// The news add up to the list.
	t.eventually("the news add up to the list", func() bool {
		there := map[string]int{}
		for _, text := range nodes[0].heard("room") {
			switch text[0] {
			case '+':
				there[text[1:]]++
			case '-':
				there[text[1:]]--
			}
		}
		return there["x"] == 1 && there["y0"] == 1 && there["y1"] == 1 && there["y2"] == 1
	})
}

// nodesCut cuts a node off for a shorter time than its lease.
func nodesCut(t *tester) {
	nodes := t.nodes(2)
	a, b := nodes[0], nodes[1]
	for _, room := range []string{"room", "quiet"} {
		t.enter(a.Broker(), room, "x")
		t.enter(b.Broker(), room, "y")
	}
	t.enter(b.Broker(), "left", "y")
	t.publish(a.Broker(), backend.Message{Room: "room", Body: []byte(`"before"`)})
	t.eventually("the message before", func() bool { return slices.Contains(b.heard("room"), `: "before"`) })
	b.Cut()
	t.publish(a.Broker(), backend.Message{Room: "room", Body: []byte(`"missed"`)})
	ctx, cancel := context.WithTimeout(t.ctx, 300*time.Millisecond)
	_, err := b.Broker().Publish(ctx, backend.Message{Room: "room", Body: []byte(`"local"`)})
	cancel()
	t.wantError("Publish of a node that is cut off", err, backend.ErrUnavailable)
	t.eventually("its own members get the message", func() bool { return slices.Contains(b.heard("room"), `: "local"`) })
	_, err = b.Broker().Move(t.ctx, backend.Change{Room: "late", Member: "y"}, backend.Change{Room: "left", Member: "y", Leave: true})
	t.must(err)
	b.Heal()
	t.eventually("the gap is reported", func() bool { return b.gapsIn("room") > 0 && b.gapsIn("late") > 0 })
	for room, want := range map[string]string{"room": "x@a , y@b ", "quiet": "x@a , y@b ", "late": "y@b ", "left": ""} {
		t.eventually("the members of "+room+" are right", func() bool { return t.memberTexts(a, room) == want })
	}
	t.eventually("the node is healthy again", func() bool { return b.Health() == nil })
	for i, n := range []*clusterNode{a, b, a} {
		t.publish(n.Broker(), backend.Message{Room: "room", Body: fmt.Append(nil, i)})
	}
	for _, n := range nodes {
		t.eventually("messages arrive again", func() bool {
			got := n.heard("room")
			return len(got) >= 3 && slices.Equal(got[len(got)-3:], []string{": 0", ": 1", ": 2"})
		})
	}
	if slices.Contains(b.heard("room"), `: "missed"`) {
		t.Error("the node was not cut off")
	}
	if a.gapsIn("room")+a.gapsIn("quiet")+b.gapsIn("quiet") > 0 {
		t.Error("a gap is reported where nothing is missing")
	}
}
