package local

import (
	"errors"
	"fmt"
	"testing"
)

// The map of rooms has no memory for rooms that all members have left.
func TestRoomsThatAreLeftTakeNoMemory(t *testing.T) {
	t.Parallel()
	b := newBroker()
	b.start()
	const rooms = 5000
	do := func(change func(room string) error, from int) {
		t.Helper()
		for i := from; i < rooms; i++ {
			if err := change(fmt.Sprint("room ", i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	join := func(room string) error { return b.Join(t.Context(), room, "client") }
	leave := func(room string) error { return b.Leave(t.Context(), room, "client") }
	do(join, 0)
	if b.peak != rooms {
		t.Errorf("there is memory for %d rooms, want %d", b.peak, rooms)
	}
	do(leave, 100)
	if b.peak > smallRooms || len(b.rooms) != 100 {
		t.Errorf("there is memory for %d rooms, of which %d have members", b.peak, len(b.rooms))
	}
	_, total, err := b.Members(t.Context(), "room 7", 1)
	if err := errors.Join(err, join("room 0")); err != nil || total != 1 {
		t.Errorf("room 7 has %d members, %v", total, err)
	}
}
