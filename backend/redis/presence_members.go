package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
)

// membersPage is a page of the members of a room.
type membersPage struct {
	counts  map[string]int // members by incarnation
	members []storedMember
	next    string // the entry number after which the next page begins
}

type storedMember struct{ id, inc, details string }

// page reads a page of the members of a room.
func (b *broker) page(ctx context.Context, room, after string, limit int) (page membersPage, err error) {
	p := partition(room)
	reply, err := asWords(b.core.run(ctx, membersScript, []string{b.core.key(memberKind, p, room), b.core.key(orderKind, p, room), b.core.key(headKind, p, room)},
		after, strconv.Itoa(limit)))
	if err != nil {
		return page, err
	}
	n, err := strconv.Atoi(reply[0])
	if err != nil || len(reply) < 1+2*n {
		return page, errReply
	}
	page.counts = make(map[string]int, n)
	for i := range n {
		if page.counts[reply[1+2*i]], err = strconv.Atoi(reply[2+2*i]); err != nil {
			return page, errReply
		}
	}
	for rest := reply[1+2*n:]; len(rest) >= 3; rest = rest[3:] {
		page.next = rest[0]
		inc, details, _ := strings.Cut(rest[2], " ")
		page.members = append(page.members, storedMember{id: rest[1], inc: inc, details: details})
	}
	return page, nil
}

// Members leaves out the members of nodes that are not live, which are removed a little later.
func (b *broker) Members(ctx context.Context, room string, limit int) (members []backend.Member, total int, err error) {
	s, err := b.cluster.session()
	if err != nil {
		return nil, 0, err
	}
	if rules.CheckName("room", room) != nil {
		return nil, 0, nil // no member can have entered it
	}
	if err := b.awaitEntered(ctx, s); err != nil {
		return nil, 0, err
	}
	limit = max(limit, 0)
	after, list := "0", b.cluster.list.Load()
	for first := true; first || len(members) < limit; first = false {
		n := min(limit-len(members), moveBatch)
		page, err := b.page(ctx, room, after, n)
		if err != nil {
			return nil, 0, err
		}
		if first {
			if list, err = b.nodesOf(ctx, list, page.counts); err != nil {
				return nil, 0, err
			}
			for inc, count := range page.counts {
				if _, ok := b.liveNode(list, inc); ok {
					total += count
				}
			}
		}
		for _, m := range page.members {
			if node, ok := b.liveNode(list, m.inc); ok {
				members = append(members, backend.Member{ID: m.id, Node: node, Details: []byte(m.details)})
			}
		}
		if len(page.members) < n {
			break
		}
		after = page.next
	}
	return members, total, nil
}

// awaitEntered waits until the members of this node have been entered again after its lease has lapsed.
func (b *broker) awaitEntered(ctx context.Context, s *session) error {
	entered := b.life.entered()
	select {
	case <-entered:
		return nil
	default:
	}
	timer := time.NewTimer(b.core.config.Timeout)
	defer timer.Stop()
	select {
	case <-entered:
		return nil
	case <-timer.C:
		return fmt.Errorf("the members of this node are being entered again: %w", errUnavailable)
	case <-ctx.Done():
		return ctx.Err()
	case <-s.life.Done():
		return backend.ErrClosed
	}
}

// nodesOf returns a list of nodes that knows all of the incarnations, if they exist. The members of those that do not exist
// will be removed.
func (b *broker) nodesOf(ctx context.Context, list *peerList, counts map[string]int) (*peerList, error) {
	for inc := range counts {
		if _, ok := b.liveNode(list, inc); ok {
			continue
		}
		if _, lapsed := list.lapsed[inc]; !lapsed {
			if err := b.cluster.read(ctx); err != nil {
				return nil, err
			}
			list = b.cluster.list.Load()
			b.disown(list, counts)
			return list, nil
		}
	}
	return list, nil
}

// disown marks the incarnations as lapsed that have members and are not in the list, because a failover has lost them. An
// incarnation joins before its members enter, so one that the list lacks never comes.
func (b *broker) disown(list *peerList, counts map[string]int) {
	for inc := range counts {
		_, lapsed := list.lapsed[inc]
		if _, live := b.liveNode(list, inc); live || lapsed {
			continue
		}
		b.core.spawn(func(ctx context.Context, _ *session) {
			if _, err := asInt(b.core.run(ctx, orphanScript, []string{b.life.key[0], b.life.key[3]}, inc)); err == nil {
				signal(b.cleaning)
			}
		})
	}
}

// liveNode returns the id of the node of an incarnation, if it is live.
func (b *broker) liveNode(list *peerList, inc string) (string, bool) {
	if inc == b.life.incarnation() {
		return b.life.self().ID, true
	}
	node, ok := list.live[inc]
	return node.node.ID, ok
}
