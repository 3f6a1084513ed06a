package actionhero

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// appendPosition appends the members by which clients read the position of a message: "seq", the number of the message
// in its room, and "position", which stands for the epoch, the number and the tag. Clients only store and compare it.
func appendPosition(dst []byte, at backend.Position) []byte {
	dst = strconv.AppendUint(append(dst, `,"seq":`...), at.Seq, 10)
	var whole [20]byte
	binary.BigEndian.PutUint64(whole[:], at.Epoch)
	binary.BigEndian.PutUint64(whole[8:], at.Seq)
	binary.BigEndian.PutUint32(whole[16:], at.Tag)
	dst = base64.RawURLEncoding.AppendEncode(append(dst, `,"position":"`...), whole[:])
	return append(dst, '"')
}

// gap tells the members of a room on this node that follow positions that messages of the room may be missing.
func (r *Rooms) gap(name string) {
	r.mu.RLock()
	rm := r.rooms[name]
	r.mu.RUnlock()
	if rm == nil {
		return
	}
	var told []sender
	defer func() { flushEach(told) }()
	rm.delivery.Lock()
	defer rm.delivery.Unlock()
	rm.mu.Lock()
	var places []place
	if rm.followers > 0 {
		places = append(places, rm.places...)
	}
	rm.mu.Unlock()
	d := &RoomMessage{Room: name, Body: append(jsonx.AppendString([]byte(`{"context":"gap","room":`), name), '}')}
	d.forms.IsNotice = true
	for _, p := range places {
		if p.conn.followsPositions() && p.sender.Deliver(d) {
			told = append(told, p.sender)
		}
	}
}
