package redis

import (
	"slices"

	"github.com/actionhero-go/actionhero/backend"
)

// A node hears its own messages from the server, like those of other nodes. If the answer to a Publish is lost, the message
// is delivered to the members on this node without the server. The message may have come from the server before, or may
// come later, so the room remembers the tags of both kinds.

// ownMessages are the messages of a room that this node publishes. The mutex of the room guards them.
type ownMessages struct {
	sending map[uint32]bool // tags of the messages whose Publish is running; true: the message has come
	local   []uint32        // tags of messages that were delivered without the server, which may have published them
}

// maxLocal is the number of tags in ownMessages.local. The oldest ones are dropped.
const maxLocal = 1024

// sends notes that the Publish of a message begins. Without members on this node there is no room.
func (r *room) sends(tag uint32) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.own.sending == nil {
		r.own.sending = make(map[uint32]bool)
	}
	r.own.sending[tag] = false
}

// sent notes the end of a Publish. It returns whether the message has come.
func (r *room) sent(tag uint32) (heard bool) {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	heard = r.own.sending[tag]
	delete(r.own.sending, tag)
	return heard
}

// deliverLocally delivers a message to the members on this node, if this node is cut off: the server is silent, or the channel
// of the room is not subscribed. Otherwise the subscription brings the message, unless Publish has failed before it had an
// effect. If the server has published the message nevertheless, as the argument unsure says, the members get it once, and then
// a gap, because they never get its position.
func (r *room) deliverLocally(m backend.Message, tag uint32, silent, unsure bool) {
	m.Kind, m.At = backend.Said, backend.Position{}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !silent && r.missing != missSome {
		return
	}
	if unsure {
		if len(r.own.local) >= maxLocal {
			r.own.local = slices.Delete(r.own.local, 0, 1)
		}
		r.own.local = append(r.own.local, tag)
	}
	r.push(delivery{message: m})
}

// hears notes that the server has published a message. It returns whether the members have it already.
func (o *ownMessages) hears(tag uint32) (delivered bool) {
	if _, sending := o.sending[tag]; sending {
		o.sending[tag] = true
	}
	i := slices.Index(o.local, tag)
	if i < 0 {
		return false
	}
	o.local = slices.Delete(o.local, i, i+1)
	return true
}
