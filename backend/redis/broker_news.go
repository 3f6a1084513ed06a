package redis

import (
	"strconv"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// newsChain finds missing news about the members of a room: the server numbers them. The mutex of the room guards it.
type newsChain struct {
	last  uint64 // the number of the last news
	heard bool   // last came with news; false: the server was asked, and earlier news may arrive later
	due   [2]dueNews
}

// dueNews are news up to a number that the server had published at a time, and this node had not heard.
type dueNews struct {
	number uint64 // 0: none
	since  time.Time
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

// compare compares the number of news at the server with the number of this node. The argument before is the number of this node
// when the server was asked. If first, this node has not followed the news before.
func (c *newsChain) compare(r *room, first bool, before, n uint64) {
	switch {
	case first:
		c.last, c.heard, c.due = n, false, [2]dueNews{}
	case n < before: // a failover has lost some
		r.push(delivery{gap: true})
		c.last, c.heard, c.due = n, false, [2]dueNews{}
	case n > c.last && c.due[0].number > c.last:
		c.due[1] = dueNews{n, time.Now()}
	case n > c.last:
		c.due = [2]dueNews{{n, time.Now()}}
	}
}

// resolve reports a gap if news that the server has published have not arrived.
func (c *newsChain) resolve(r *room, now time.Time) {
	for c.due[0].number != 0 && now.Sub(c.due[0].since) >= suspicion {
		if n := c.due[0].number; c.last < n {
			r.push(delivery{gap: true})
			c.last, c.heard = n, false
		}
		c.due = [2]dueNews{c.due[1]} // news may have been missed later than the first ones
	}
}
