package actionhero

import (
	"context"
	"errors"
	"sync"
)

// roomAsks counts the calls of askAllRooms by their connections. A Join function that changes the identity of its client
// calls askAllRooms within askAllRooms.
type roomAsks struct {
	mu sync.Mutex
	of map[*Conn]int
}

func (a *roomAsks) begin(c *Conn) (running int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of == nil {
		a.of = map[*Conn]int{}
	}
	a.of[c]++
	return a.of[c]
}

func (a *roomAsks) end(c *Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of[c]--; a.of[c] == 0 {
		delete(a.of, c)
	}
}

const (
	// maxRoomAsks is how often all rooms of a connection are asked about a new identity because a Join has changed it.
	maxRoomAsks = 8
	// maxNestedAsks is how many calls of askAllRooms for one connection may run at a time: one within the other if a Join
	// changes the identity with a context of its own.
	maxNestedAsks = 64
)

var errChangingJoin = errors.New("a RoomMiddleware.Join changes the identity of its connection each time it is called: Join must decide and change nothing")

// askedKey is the key under which the context of a Join holds the *Conn whose rooms are being asked.
type askedKey struct{}

// askAllRooms takes the connection out of the rooms that refuse its identity. If a Join changes the identity, all rooms are
// asked again, by the outermost call of askAllRooms.
func (c *Conn) askAllRooms(ctx context.Context) error {
	if asked, _ := ctx.Value(askedKey{}).(*Conn); asked == c {
		return nil
	}
	rooms := c.api.Rooms
	running := rooms.asks.begin(c)
	defer rooms.asks.end(c)
	if running > maxNestedAsks {
		return AsError(errChangingJoin)
	}
	ctx = connContext{context.WithValue(ctx, askedKey{}, c), c} // the rooms are asked about c, also if the request of another client changes it
	for range maxRoomAsks {
		id := c.identity.Load()
		if err := c.askRoomsOnce(ctx); err != nil || running > 1 || c.identity.Load() == id {
			return err
		}
	}
	for _, room := range c.Rooms() {
		rooms.expel(ctx, c, room)
	}
	return AsError(errChangingJoin)
}

// askRoomsOnce asks all rooms. It returns the first error that is no refusal.
func (c *Conn) askRoomsOnce(ctx context.Context) error {
	var failed error
	for _, room := range c.Rooms() {
		err := c.api.Rooms.askToEnter(ctx, c, room)
		if err == nil {
			continue
		}
		if failure := AsError(err); failed == nil && !isRefusal(failure.Code) {
			failed = failure
		}
		c.api.Rooms.expel(ctx, c, room)
	}
	return failed
}

// isRefusal reports whether a Join function that returns an error of this code has decided.
func isRefusal(code Code) bool {
	switch code {
	case CodeInternal, CodeUnavailable, CodeDeadlineExceeded, CodeCanceled:
		return false
	}
	return true
}
