package actionhero_test

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// collector is a client that keeps what it is sent.
type collector struct {
	mu       sync.Mutex
	messages []string
	flushed  int
	closed   string
}

func (c *collector) Deliver(d *actionhero.RoomMessage) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	message := string(d.Body) + " from " + d.From
	if transport.NamesRoom(d) {
		message += " in " + d.Room
	}
	c.messages = append(c.messages, message)
	return true
}

func (c *collector) Flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flushed++
}

func (c *collector) Close(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = reason
}

func (c *collector) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	got := c.messages
	c.messages = nil
	return got
}

func connect(t testing.TB, api *actionhero.API, room string) (*actionhero.Conn, *collector) {
	t.Helper()
	sink := &collector{}
	conn := transport.Of(api).Connect("test", netip.MustParseAddrPort("127.0.0.1:1"), sink)
	if err := api.Rooms.Move(t.Context(), conn, room); err != nil {
		t.Fatal(err)
	}
	return conn, sink
}

func TestRoomsTellWhoComesAndGoes(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{})
	ctx := t.Context()
	ann, annGets := connect(t, api, "a")
	bob, bobGets := connect(t, api, "a")
	if got := annGets.take(); !cmp.Equal(got, []string{`"I have entered the room" from ` + bob.ID}) {
		t.Errorf("ann read %q when bob came", got)
	}
	if err := api.Rooms.Say(ctx, bob, "", "hi"); err != nil {
		t.Fatal(err)
	}
	if got := annGets.take(); !cmp.Equal(got, []string{`"hi" from ` + bob.ID}) {
		t.Errorf("ann read %q", got)
	}
	if got := bobGets.take(); got != nil {
		t.Errorf("the sender read %q", got)
	}
	if err := api.Rooms.Broadcast(ctx, "a", map[string]int{"n": 1}); err != nil {
		t.Fatal(err)
	}
	if got := bobGets.take(); !cmp.Equal(got, []string{`{"n":1} from actionHero API`}) {
		t.Errorf("bob read %q from the server", got)
	}
	annGets.take()
	if err := api.Rooms.Move(ctx, bob, "b"); err != nil {
		t.Fatal(err)
	}
	if got := annGets.take(); !cmp.Equal(got, []string{`"I have left the room" from ` + bob.ID}) {
		t.Errorf("ann read %q when bob left", got)
	}
	status, err := api.Rooms.Status(ctx, "a")
	if err != nil || !cmp.Equal(status, actionhero.RoomStatus{Members: []string{ann.ID}, MembersCount: 1}) {
		t.Errorf("status of a: %+v, %v", status, err)
	}
	transport.Of(api).Disconnect(ann)
	transport.Of(api).Disconnect(bob)
	if status, _ := api.Rooms.Status(ctx, "a"); status.Members != nil || status.MembersCount != 0 {
		t.Errorf("status of an empty room: %+v", status)
	}
}

func TestRoomNamesAreChecked(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{})
	conn, _ := connect(t, api, "a")
	for _, name := range []string{"", strings.Repeat("x", actionhero.MaxRoomName+1), "\xff"} {
		err := api.Rooms.Move(t.Context(), conn, name)
		if e := actionhero.AsError(err); e == nil || e.Code != actionhero.CodeInvalidInput {
			t.Errorf("room %q: got %v", name, err)
		}
	}
	if conn.Room() != "a" {
		t.Errorf("a refused room changed the current one to %q", conn.Room())
	}
	transport.Of(api).Disconnect(conn)
}

// A room of many must stay quick to join, leave and look at, and say so in proportion: this counts deliveries, not time.
func TestLargeRoomsAreNotTold(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{AnnounceLimit: 10, RoomStatusLimit: 5})
	var conns []*actionhero.Conn
	_, first := connect(t, api, "a")
	for range 99 {
		c, _ := connect(t, api, "a")
		conns = append(conns, c)
	}
	if got := len(first.take()); got != 9 {
		t.Errorf("the first member was told of %d arrivals, want 9: those up to the limit", got)
	}
	status, err := api.Rooms.Status(t.Context(), "a")
	if err != nil || len(status.Members) != 5 || status.MembersCount != 100 {
		t.Errorf("status: %d listed of %d, %v; want 5 of 100", len(status.Members), status.MembersCount, err)
	}
	for _, c := range conns {
		transport.Of(api).Disconnect(c)
	}
	if status, _ := api.Rooms.Status(t.Context(), "a"); status.MembersCount != 1 {
		t.Errorf("%d are left, want 1", status.MembersCount)
	}
}

func TestRoomsUnderConcurrency(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{})
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for j := range 50 {
				c := transport.Of(api).Connect("test", netip.AddrPort{}, &collector{})
				for k := range 3 {
					if err := api.Rooms.Move(t.Context(), c, fmt.Sprint("r", (i+j+k)%4)); err != nil {
						t.Error(err)
					}
					_ = api.Rooms.Say(t.Context(), c, "", "x")
				}
				transport.Of(api).Disconnect(c)
			}
		})
	}
	wg.Wait()
	for i := range 4 {
		if status, _ := api.Rooms.Status(t.Context(), fmt.Sprint("r", i)); status.MembersCount != 0 {
			t.Errorf("room r%d still has %d members", i, status.MembersCount)
		}
	}
}

// Joining and leaving must cost the same in a room of any size.
func BenchmarkJoinLeave(b *testing.B) {
	for _, size := range []int{1, 100_000} {
		b.Run(fmt.Sprint("room of ", size), func(b *testing.B) {
			api := newAPI(b, actionhero.Config{})
			for range size {
				connect(b, api, "a")
			}
			b.ReportAllocs()
			for b.Loop() {
				c := transport.Of(api).Connect("test", netip.AddrPort{}, &collector{})
				if err := api.Rooms.Move(b.Context(), c, "a"); err != nil {
					b.Fatal(err)
				}
				transport.Of(api).Disconnect(c)
			}
		})
	}
}

func BenchmarkStatus(b *testing.B) {
	for _, size := range []int{1000, 100_000} {
		b.Run(fmt.Sprint("room of ", size), func(b *testing.B) {
			api := newAPI(b, actionhero.Config{})
			for range size {
				connect(b, api, "a")
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := api.Rooms.Status(b.Context(), "a"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// quiet is a client that has nothing to write.
type quiet struct{}

func (quiet) Deliver(*actionhero.RoomMessage) bool { return false }
func (quiet) Flush()                               {}
func (quiet) Close(string)                         {}

// BenchmarkBroadcast is what a message costs for each of its receivers, apart from their wire.
func BenchmarkBroadcast(b *testing.B) {
	const size = 5000
	for _, hooked := range []bool{false, true} {
		b.Run(fmt.Sprint("Deliver hook ", hooked), func(b *testing.B) {
			api := newAPI(b, actionhero.Config{})
			if hooked {
				api.UseRooms(actionhero.RoomMiddleware{Deliver: func(*actionhero.Conn, *actionhero.RoomMessage) bool { return true }})
			}
			for range size {
				c := transport.Of(api).Connect("test", netip.AddrPort{}, quiet{})
				if err := api.Rooms.Move(b.Context(), c, "a"); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := api.Rooms.Broadcast(b.Context(), "a", "hello"); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/size, "ns/receiver")
		})
	}
}
