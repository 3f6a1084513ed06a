package actionhero

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/encode"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// Limits of the details that [Conn.SetDetail] stores for one connection. Without these limits, a client could exhaust
// the memory of the server through code that stores the client's data as details.
const (
	MaxDetails     = 32      // details of a connection
	MaxDetailBytes = 4 << 10 // bytes of all details of a connection as one JSON object
)

// detail is one public property of a connection, set with [Conn.SetDetail].
type detail struct {
	key   string
	json  []byte
	value any // json, decoded
}

// SetDetail sets a public property of the connection, for example the name of the user. The property has the name key.
// SetDetail encodes value as JSON at once. A nil value removes the detail.
//
// Go code reads the detail with [Conn.Detail] or [Rooms.Members]. The client reads its own details with the command
// detailsView. If Config.RoomDetails is on, other clients read them with the command roomView.
//
// If SetDetail fails, the details stay unchanged. The error is [CodeInvalidInput] if key is empty or value does not
// encode as JSON. It is [CodeResourceExhausted] if the details would exceed [MaxDetails] or [MaxDetailBytes].
func (c *Conn) SetDetail(key string, value any) error {
	if key == "" {
		return Errorf(CodeInvalidInput, "a detail of a connection needs a key: give it a name of 1 byte or more")
	}
	d := detail{key: strings.Clone(key)} // key may be a slice of a larger message
	var err error
	if d.json, err = encode.Marshal(value); err != nil {
		return Errorf(CodeInvalidInput, "the detail %q does not encode as JSON: %v", key, err)
	}
	if err := jsonx.Unmarshal(d.json, &d.value); err != nil {
		return fmt.Errorf("the detail %q does not decode: %w", key, err)
	}
	changed, err := c.storeDetail(d)
	if changed {
		c.api.Rooms.shareDetails(c)
	}
	return err
}

// storeDetail sets, replaces or removes a detail, and returns whether the details have changed.
func (c *Conn) storeDetail(d detail) (changed bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := d.key
	i := slices.IndexFunc(c.detailList(), func(other detail) bool { return other.key == key })
	details := slices.Clone(c.detailList())
	switch {
	case d.value == nil && i < 0:
		return false, nil
	case d.value == nil:
		details = slices.Delete(details, i, i+1)
	case i < 0:
		details = append(details, d)
	default:
		details[i] = d
	}
	if size := len(appendDetailObject(nil, details)); d.value != nil && (len(details) > MaxDetails || size > MaxDetailBytes) {
		return false, Errorf(CodeResourceExhausted, "a connection may have %d details of %d bytes of JSON at most", MaxDetails, MaxDetailBytes)
	}
	c.extras().details = details
	return true, nil
}

// sharedDetails returns the details as a JSON object for the other nodes of the cluster, or nil if there are none.
func (c *Conn) sharedDetails() []byte {
	if !c.api.cfg.Backend.Cluster().Shared() {
		return nil
	}
	details, _ := c.appendDetails(nil)
	return details
}

// shareDetails stores the details of the client where the other nodes of the cluster read them.
func (r *Rooms) shareDetails(c *Conn) {
	if !r.api.cfg.Backend.Cluster().Shared() {
		return
	}
	c.moving.Lock()
	defer c.moving.Unlock()
	details := c.sharedDetails()
	var changes []backend.Change
	for _, name := range c.Rooms() {
		changes = append(changes, backend.Change{Room: name, Member: c.ID, Details: details})
	}
	if len(changes) == 0 {
		return
	}
	if _, err := r.broker.Move(context.Background(), changes...); err != nil {
		r.api.log.Warn("the details of a client are not stored for the other nodes", "conn_id", c.ID, "error", err.Error())
	}
}

// Detail returns the value of the detail with this key as decoded JSON: a string, float64, bool, []any or
// map[string]any. If the connection has no such detail, Detail returns nil. The caller must not modify the returned
// value.
func (c *Conn) Detail(key string) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range c.detailList() {
		if d.key == key {
			return d.value
		}
	}
	return nil
}

// Details returns all details of the connection by key, with the values that [Conn.Detail] returns. If there are no
// details, or if c is nil, Details returns nil.
func (c *Conn) Details() map[string]any {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.detailList()) == 0 {
		return nil
	}
	details := make(map[string]any, len(c.detailList()))
	for _, d := range c.detailList() {
		details[d.key] = d.value
	}
	return details
}

// appendDetails implements transport.AppendDetails, which documents the method.
func (c *Conn) appendDetails(dst []byte) ([]byte, bool) {
	if c == nil {
		return dst, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.detailList()) == 0 {
		return dst, false
	}
	return appendDetailObject(dst, c.detailList()), true
}

func appendDetailObject(dst []byte, details []detail) []byte {
	dst = append(dst, '{')
	for i, d := range details {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsonx.AppendString(dst, d.key), ':')
		dst = append(dst, d.json...)
	}
	return append(dst, '}')
}
