package actionhero_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
	"github.com/actionhero-go/actionhero/transport"
)

// placed is a client that follows positions.
type placed struct{ collector }

func (p *placed) FollowsPositions() bool { return true }

func (p *placed) Deliver(m *actionhero.RoomMessage) bool {
	body := transport.Encoded(m, p, func(m *actionhero.RoomMessage) []byte { return transport.AppendPosition(slices.Clone(m.Body), m) })
	return p.collector.Deliver(&actionhero.RoomMessage{Body: body, From: m.From})
}

// A room knows which of its members follow positions, also after some have left. They alone read of a gap, in its
// place among the messages, and once for each room.
func TestGapsAreToldToThoseWhoFollowPositions(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	node := net.Node()
	api := newAPI(t, actionhero.Config{Backend: node, AnnounceLimit: -1})
	other := startNode(t, net, "other")
	follower := &placed{}
	conn := transport.Of(api).Connect("test", netip.AddrPort{}, follower)
	defer transport.Of(api).Disconnect(conn)
	steps(t, api.Rooms.Move(t.Context(), conn, "a"), api.Rooms.Join(t.Context(), conn, "b"))
	plain, reads := connect(t, api, "a")
	defer transport.Of(api).Disconnect(plain)
	say := func(room, text string) { steps(t, other.Rooms.Broadcast(t.Context(), room, text)) }
	say("a", "1")
	node.Cut()
	say("a", "2")
	say("b", "2")
	say("c", "2")
	node.Heal()
	say("a", "3")
	const from = " from actionHero API"
	want := []string{
		`"1","seq":1,"position":"EAAAAAAAAAAAAAAAAAAAAQAAAAc"` + from,
		`{"context":"gap","room":"a"} from `,
		`{"context":"gap","room":"b"} from `,
		`"3","seq":3,"position":"EAAAAAAAAAAAAAAAAAAAAwAAABU"` + from,
	}
	var got []string
	testkit.Eventually(t, "the client has read all", func() bool { got = append(got, follower.take()...); return len(got) >= len(want) })
	if !slices.Equal(got, want) {
		t.Errorf("a client that follows positions read %q", got)
	}
	got = nil
	testkit.Eventually(t, "the other client has read all", func() bool { got = append(got, reads.take()...); return len(got) >= 2 })
	if !slices.Equal(got, []string{`"1"` + from, `"3"` + from}) {
		t.Errorf("another client read %q", got)
	}
	steps(t, api.Rooms.Move(t.Context(), conn, "d"))
	node.Cut()
	say("a", "4")
	node.Heal()
	say("a", "5")
	testkit.Eventually(t, "the other client has read on", func() bool { return slices.Equal(reads.take(), []string{`"5"` + from}) })
	if got := follower.take(); got != nil {
		t.Errorf("a client that has left the room read %q", got)
	}
}
