package redis

import (
	"context"
	"strconv"
	"sync"
	"time"
)

var (
	claimScript     = newScript("node_claim", repeatable)
	cleanScript     = newScript("presence_clean", repeatable)
	sweepRoomScript = newScript("presence_sweep", repeatable)
)

const (
	claimTime  = 5 * time.Second // how long the claim of one node to clean holds
	cleanRooms = 64              // the number of rooms that presence_clean returns
	cleaners   = 4               // partitions that are cleaned at a time
)

// clean removes the members of lapsed nodes. Each step is a script, which finds how far the removal has come. So
// if the cleaning node dies, another one goes on when its claim has ended.
func (b *broker) clean(ctx context.Context, _ *session) {
	for {
		select {
		case <-b.cleaning:
		case <-ctx.Done():
			return
		}
		left := false
		if err := b.cluster.read(ctx); err != nil {
			left = true
		}
		for inc, p := range b.cluster.list.Load().lapsed {
			left = !b.cleanNode(ctx, inc, p.node.ID) || left
		}
		if left { // another node cleans, or the server was not reached
			pause(ctx, jitter(2*time.Second))
			signal(b.cleaning)
		}
	}
}

// cleanNode removes all members of an incarnation. It returns whether nothing is left.
func (b *broker) cleanNode(ctx context.Context, inc, id string) (done bool) {
	claim := ""
	for p := 0; p < partitions; p += 4 * cleaners {
		reply, err := asWords(b.core.run(ctx, claimScript, []string{b.life.key[0], b.life.key[3]}, inc, claim, micros(claimTime)))
		if err != nil || reply[0] != "claimed" || len(reply) != 2 {
			return err == nil && reply[0] == "gone"
		}
		claim = reply[1]
		var wg sync.WaitGroup
		var mu sync.Mutex
		failed := false
		for worker := range cleaners {
			wg.Go(func() {
				for q := p + worker; q < p+4*cleaners; q += cleaners {
					if b.cleanPartition(ctx, q, inc) != nil {
						mu.Lock()
						failed = true
						mu.Unlock()
						return
					}
				}
			})
		}
		wg.Wait()
		if failed {
			return false
		}
	}
	_, err := asInt(b.core.run(ctx, leaveNodesScript, b.life.key[:], inc, id, cleanWord(true)))
	return err == nil
}

// cleanPartition removes the members of an incarnation from the rooms of a partition.
func (b *broker) cleanPartition(ctx context.Context, p int, inc string) error {
	keys := []string{b.core.key(deadKind, p, ""), b.core.key(roomsKind, p, inc)}
	for {
		rooms, err := asWords(b.core.run(ctx, cleanScript, keys, inc, strconv.Itoa(cleanRooms), ""))
		if err != nil || len(rooms) == 1 {
			return err
		}
		for _, room := range rooms[1:] {
			if err := b.sweep(ctx, p, inc, room); err != nil {
				return err
			}
		}
	}
}

// sweep removes the members of an incarnation from a room, in steps.
func (b *broker) sweep(ctx context.Context, p int, inc, room string) error {
	s, err := b.core.current()
	if err != nil {
		return err
	}
	keys := []string{b.core.key(deadKind, p, ""), b.core.key(roomsKind, p, inc), b.core.key(memberKind, p, room),
		b.core.key(orderKind, p, room), b.core.key(headKind, p, room), b.core.key(positionKind, p, room)}
	for after := "0"; ; {
		reply, err := asWords(b.core.run(ctx, sweepRoomScript, keys, inc, room, strconv.Itoa(b.subscriber.Load().NewsLimit), s.publishCommand(),
			b.core.channel(s, roomKind, p, room), after, strconv.Itoa(moveBatch)))
		switch {
		case err != nil:
			return err
		case reply[0] == "done":
			return nil
		case len(reply) != 2:
			return errReply
		}
		after = reply[1]
	}
}
