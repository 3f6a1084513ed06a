package redis

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// An entry is stored as a string, its record: a head and the value. The head is the byte recordV1, the time of the Set
// and the time of the expiry, in ms, each as 8 bytes; an expiry of 0 is never. The server removes the record by an expiry
// of its own, to the millisecond; the one in the head is what Get reports.
//
// The key of an entry may hold a hash instead: a load, see reserve.lua.
const (
	recordV1   = 1
	recordHead = 17
)

// maxTTL is the longest ttl. Longer ones are shortened, so that no sum of times overflows.
const maxTTL = 100 * 365 * 24 * time.Hour

// newRecord returns the record of an entry that is set at the time now. The result has room for the value only.
func newRecord(now time.Time, value []byte, ttl time.Duration) []byte {
	record := make([]byte, 0, recordHead+len(value))
	record = append(record, recordV1)
	record = binary.BigEndian.AppendUint64(record, uint64(now.UnixMilli()))
	expires := uint64(0)
	if ttl > 0 {
		expires = uint64(ceilMilli(now.UnixMicro() + min(ttl, maxTTL).Microseconds()))
	}
	record = binary.BigEndian.AppendUint64(record, expires)
	return append(record, value...)
}

func ceilMilli(micros int64) int64 { return (micros + 999) / 1000 }

// milliseconds returns a ttl for PX: rounded up, so that no entry expires early.
func milliseconds(ttl time.Duration) int64 {
	return int64((min(ttl, maxTTL) + time.Millisecond - 1) / time.Millisecond)
}

// parseRecord returns the entry of a record that was read at the time now.
func parseRecord(key string, record []byte, now time.Time) (backend.Entry, error) {
	if len(record) < recordHead || record[0] != recordV1 {
		return backend.Entry{}, errForeign(key)
	}
	e := backend.Entry{
		Value:   record[recordHead:len(record):len(record)],
		Created: time.UnixMilli(int64(binary.BigEndian.Uint64(record[1:]))),
		Read:    now.Truncate(time.Millisecond),
	}
	if expires := int64(binary.BigEndian.Uint64(record[9:])); expires != 0 {
		e.Expires = time.UnixMilli(expires)
	}
	return e, nil
}

// errForeignValue means that a key of the backend holds something that this version of the backend did not write.
var errForeignValue = errors.New("another program or a newer version of the backend has written it: update this node, or delete the key")

func errForeign(key string) error {
	return fmt.Errorf("the value under %.32q cannot be read: %w", key, errForeignValue)
}
