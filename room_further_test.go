package actionhero_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// steps runs steps that must not fail.
func steps(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// A client gets each message once, in however many ways it is in the room, and stays in what it added.
func TestFurtherRooms(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{AnnounceLimit: -1})
	rooms, ctx := api.Rooms, t.Context()
	c, gets := connect(t, api, "a")
	in := func(what, current string, want ...string) {
		t.Helper()
		if got := c.Rooms(); c.Room() != current || !slices.Equal(got, want) {
			t.Errorf("%s: it is in %q and listens to %q; want %q and %q", what, c.Room(), got, current, want)
		}
		for _, room := range []string{"a", "b", "c"} {
			steps(t, rooms.Broadcast(ctx, room, room))
		}
		var heard []string
		for _, room := range want {
			message := `"` + room + `" from actionHero API`
			if room != current {
				message += " in " + room
			}
			heard = append(heard, message)
		}
		if got := gets.take(); !cmp.Equal(got, heard) {
			t.Errorf("%s: it heard %q, want %q", what, got, heard)
		}
		for _, room := range []string{"a", "b", "c"} {
			status, err := rooms.Status(ctx, room)
			listed := cmp.Equal(status.Members, []string{c.ID})
			if err != nil || listed != slices.Contains(want, room) || status.MembersCount > 1 {
				t.Errorf("%s: the status of %s is %+v, %v", what, room, status, err)
			}
		}
	}
	in("at first", "a", "a")
	steps(t, rooms.Join(ctx, c, "b"))
	in("b added", "a", "a", "b")
	steps(t, rooms.Join(ctx, c, "b"), rooms.Move(ctx, c, "a"))
	in("the same again", "a", "a", "b")
	steps(t, rooms.Move(ctx, c, "b"))
	in("what was added is the current one", "b", "b")
	steps(t, rooms.Move(ctx, c, "c"))
	in("it stays when another becomes current", "c", "b", "c")
	steps(t, rooms.Join(ctx, c, "c"), rooms.Move(ctx, c, "a"))
	in("the current one was added", "a", "a", "b", "c")
	steps(t, rooms.Leave(ctx, c, "c"))
	in("c removed", "a", "a", "b")

	failed(t, "removing it again", rooms.Leave(ctx, c, "c"), actionhero.CodeNotFound, "you are not in the room c")
	failed(t, "removing the current one", rooms.Leave(ctx, c, "a"), actionhero.CodeConflict, "a is your current room: move to another one with roomChange first")
	steps(t, rooms.Join(ctx, c, "a"))
	failed(t, "removing it when it was added", rooms.Leave(ctx, c, "a"), actionhero.CodeConflict, "a is your current room: move to another one with roomChange first")
	for what, do := range map[string]func(context.Context, *actionhero.Conn, string) error{"Join": rooms.Move, "Add": rooms.Join, "Remove": rooms.Leave} {
		failed(t, what+" without a name", do(ctx, c, ""), actionhero.CodeInvalidInput, "room must be a name of 1 to 128 bytes")
	}
	in("what fails changes nothing", "a", "a", "b")

	transport.Of(api).Disconnect(c)
	in("gone", "")
	failed(t, "joining once gone", rooms.Move(ctx, c, "a"), actionhero.CodeCanceled, "the client has gone")
	failed(t, "adding once gone", rooms.Join(ctx, c, "a"), actionhero.CodeCanceled, "the client has gone")
	failed(t, "saying once gone", rooms.Say(ctx, c, "", "x"), actionhero.CodeConflict, "you are in no room: enter one with roomChange")
	in("still gone", "")
	if n := rooms.RoomsHere(); n != 0 {
		t.Errorf("%d rooms are left", n)
	}
}

// The members of a room are notified when a client joins or leaves. A change of the current room alone notifies no one.
func TestFurtherRoomsAreTold(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{})
	rooms, ctx := api.Rooms, t.Context()
	_, hears := connect(t, api, "b")
	c, _ := connect(t, api, "a")
	entered, left := `"I have entered the room" from `+c.ID, `"I have left the room" from `+c.ID
	for _, step := range []struct {
		what string
		do   func(context.Context, *actionhero.Conn, string) error
		room string
		want []string
	}{
		{"added", rooms.Join, "b", []string{entered}},
		{"added again", rooms.Join, "b", nil},
		{"current", rooms.Move, "b", nil},
		{"not current", rooms.Move, "a", nil},
		{"removed", rooms.Leave, "b", []string{left}},
		{"moved there", rooms.Move, "b", []string{entered}},
		{"moved away", rooms.Move, "a", []string{left}},
		{"added at last", rooms.Join, "b", []string{entered}},
	} {
		steps(t, step.do(ctx, c, step.room))
		if got := hears.take(); !cmp.Equal(got, step.want) {
			t.Errorf("%s: they heard %q, want %q", step.what, got, step.want)
		}
	}
	transport.Of(api).Disconnect(c)
	if got := hears.take(); !cmp.Equal(got, []string{left}) {
		t.Errorf("disconnected: they heard %q", got)
	}
}

func TestMaxRooms(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{MaxRooms: 3})
	rooms, ctx := api.Rooms, t.Context()
	c, _ := connect(t, api, "a")
	const text = "a connection may be in 3 rooms at most: leave one first"
	steps(t, rooms.Join(ctx, c, "b"), rooms.Join(ctx, c, "c"), rooms.Join(ctx, c, "c"))
	failed(t, "a fourth room", rooms.Join(ctx, c, "d"), actionhero.CodeResourceExhausted, text)
	steps(t, rooms.Move(ctx, c, "d"), rooms.Move(ctx, c, "a"), rooms.Join(ctx, c, "a"))
	failed(t, "a fourth room as the current one", rooms.Move(ctx, c, "d"), actionhero.CodeResourceExhausted, text)
	if got := c.Rooms(); c.Room() != "a" || !cmp.Equal(got, []string{"a", "b", "c"}) || rooms.RoomsHere() != 3 {
		t.Errorf("it is in %q and listens to %q of %d rooms", c.Room(), got, rooms.RoomsHere())
	}
	steps(t, rooms.Move(ctx, c, "b"), rooms.Leave(ctx, c, "a"), rooms.Move(ctx, c, "d"))
	transport.Of(api).Disconnect(c)
	if cfg := newAPI(t, actionhero.Config{}).Config(); cfg.MaxRooms != 64 {
		t.Errorf("the default is %d", cfg.MaxRooms)
	}
	if _, err := actionhero.New(actionhero.Config{Backend: api.Config().Backend, MaxRooms: -1}); err == nil {
		t.Error("-1 rooms are accepted")
	}
}

// A client on its way from one room to another is briefly a member of both. A client that never joined a room must not get
// messages of a form that it does not know, not even then.
func TestMovingClientsSeeTheClassicForm(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{AnnounceLimit: -1})
	for _, added := range []bool{false, true} {
		sink := &encoder{wire: "tcp", made: new(int)}
		c := transport.Of(api).Connect("tcp", netip.AddrPort{}, sink)
		steps(t, api.Rooms.Move(t.Context(), c, "a"), api.Rooms.HalfMove(c, "b", added))
		steps(t, api.Rooms.Broadcast(t.Context(), "a", 1), api.Rooms.Broadcast(t.Context(), "b", 2))
		if want := []string{"tcp 1 further:false", fmt.Sprint("tcp 2 further:", added)}; !cmp.Equal(sink.texts, want) {
			t.Errorf("added %v: it got %q, want %q", added, sink.texts, want)
		}
		transport.Of(api).Disconnect(c)
	}
}

// Whatever is done to one client at the same time, it is in each room once, and nothing of it is left.
func TestOneClientUnderConcurrency(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{MaxRooms: 4})
	for range 50 {
		c := transport.Of(api).Connect("test", netip.AddrPort{}, &collector{})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					room := fmt.Sprint("r", rand.IntN(6))
					switch rand.IntN(4) {
					case 0:
						_ = api.Rooms.Join(context.Background(), c, room)
					case 1:
						_ = api.Rooms.Leave(context.Background(), c, room)
					case 2:
						_ = api.Rooms.Say(context.Background(), c, "", "x")
					default:
						_ = api.Rooms.Move(context.Background(), c, room)
					}
				}
			})
		}
		if rand.IntN(2) == 0 {
			wg.Go(func() { transport.Of(api).Disconnect(c) })
			wg.Wait()
		} else {
			wg.Wait()
			if n := len(c.Rooms()); n > 4 || !slices.Contains(c.Rooms(), c.Room()) {
				t.Errorf("it is in %q and listens to %q", c.Room(), c.Rooms())
			}
			transport.Of(api).Disconnect(c)
		}
		if n := api.Rooms.RoomsHere(); n != 0 {
			t.Fatalf("%d rooms are left", n)
		}
		for i := range 6 {
			if status, err := api.Rooms.Status(t.Context(), fmt.Sprint("r", i)); err != nil || status.MembersCount != 0 {
				t.Fatalf("room r%d has %+v, %v", i, status, err)
			}
		}
	}
}

// Clients can fill the map of rooms with rooms of one member: Config.MaxRooms for each connection. The memory is free
// again when they have left the rooms.
func TestRoomsThatAreLeftTakeNoMemory(t *testing.T) {
	t.Parallel()
	const clients, rooms = 100, 50
	api := newAPI(t, actionhero.Config{MaxRooms: rooms, AnnounceLimit: -1})
	host := transport.Of(api)
	var conns []*actionhero.Conn
	for i := range clients {
		c := host.Connect("test", netip.AddrPort{}, &collector{})
		conns = append(conns, c)
		for j := range rooms {
			steps(t, api.Rooms.Join(t.Context(), c, fmt.Sprint("room ", i, " ", j)))
		}
		if err := api.Rooms.Join(t.Context(), c, "one more"); actionhero.AsError(err) == nil || actionhero.AsError(err).Code != actionhero.CodeResourceExhausted {
			t.Fatalf("one more room: %v", err)
		}
	}
	if n := api.Rooms.RoomsWithMemory(); n != clients*rooms {
		t.Errorf("there is memory for %d rooms, want %d", n, clients*rooms)
	}
	for _, c := range conns[2:] {
		host.Disconnect(c)
	}
	if n, left := api.Rooms.RoomsWithMemory(), api.Rooms.RoomsHere(); left != 2*rooms || n > 1024 {
		t.Errorf("there is memory for %d rooms, of which %d have members", n, left)
	}
	for j := range rooms {
		if status, err := api.Rooms.Status(t.Context(), fmt.Sprint("room 0 ", j)); err != nil || status.MembersCount != 1 {
			t.Errorf("room %d has %d members, %v", j, status.MembersCount, err)
		}
	}
	steps(t, api.Rooms.Broadcast(t.Context(), "room 0 0", "still here"))
}
