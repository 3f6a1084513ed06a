package redis

import (
	"strconv"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// newsChain finds missing news about the members of a room: the server numbers them. The mutex of the room guards it.
type newsChain struct {
	last    uint64 // the number of the last news
	heard   bool   // last came with news; false: the server was asked, and earlier news may arrive later
	due     uint64 // the server has published news up to this number; 0: none are missing
	dueFrom time.Time
}

// hear delivers news, and reports a gap before it if news are missing.
func (c *newsChain) hear(r *room, payload string, kind backend.MessageKind) {
	text, member, ok := strings.Cut(payload, " ")
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || !ok {
		r.push(delivery{gap: true})
		return
	}
	switch {
	case n <= c.last && !c.heard: // it was published before the server was asked
	case n != c.last+1: // news are missing, or a failover has used numbers twice
		r.push(delivery{gap: true})
		fallthrough
	default:
		c.last, c.heard = n, true
	}
	r.push(delivery{message: backend.Message{Room: r.name, From: member, Kind: kind}})
}

// compare compares the number of news at the server with that of this node. The argument before is the number of this node
// when the server was asked. If first, this node has not followed the news before.
func (c *newsChain) compare(r *room, first bool, before, n uint64) {
	switch {
	case first:
		c.last, c.heard, c.due = n, false, 0
	case n < before: // a failover has lost some
		r.push(delivery{gap: true})
		c.last, c.heard, c.due = n, false, 0
	case n > c.last && c.due == 0:
		c.due, c.dueFrom = n, time.Now()
	}
}

// resolve reports a gap if news that the server has published have not arrived.
func (c *newsChain) resolve(r *room, now time.Time) {
	if c.due == 0 || now.Sub(c.dueFrom) < suspicion {
		return
	}
	if c.last < c.due {
		r.push(delivery{gap: true})
		c.last, c.heard = c.due, false
	}
	c.due = 0
}
