package queue

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// What is kept on disk is a sequence of records. Each begins with a byte that says what it is. Most go on with the
// number of a job and with fields: a tag (the field's number twice, plus one if its value is bytes), then a number, or a
// length and bytes. Numbers are varints. A field that this version does not know is passed over, and stays in the
// record of its job; so a later version can add fields, and only a change that older versions must not ignore needs a new
// format.
const format = 1

const (
	recordHead   = 1 // begins a segment: the format and the last id
	recordJob    = 2 // a job as it is, with all of its fields
	recordChange = 3 // what changes of a job
	recordDelete = 4
	recordTick   = 5 // a schedule and its last time
	recordShift  = 6 // by how much the wall clock was set
)

// The fields of a job. Those below firstChanging never change.
const (
	fieldTask = 1 + iota
	fieldLane
	fieldPriority
	fieldParams
	fieldMaxCrashes
	fieldTimeout // milliseconds
	fieldKey
	fieldKeyUntil
	fieldEnqueued
)

const (
	firstChanging = 16
	fieldState    = firstChanging + iota - 1
	fieldRunAt
	fieldStarted
	fieldEnded
	fieldStarts
	fieldAttempt
	fieldMaxAttempts
	fieldCrashes
	fieldFlags
	fieldNode
	fieldError
)

var errRecord = errors.New("a record makes no sense")

func putNumber(b []byte, field int, value uint64) []byte {
	return binary.AppendUvarint(append(b, byte(field<<1)), value)
}

func putText[T string | []byte](b []byte, field int, value T) []byte {
	b = binary.AppendUvarint(append(b, byte(field<<1|1)), uint64(len(value)))
	return append(b, value...)
}

// putSet is putNumber for a number that need not be said if it is 0.
func putSet(b []byte, field int, value uint64) []byte {
	if value == 0 {
		return b
	}
	return putNumber(b, field, value)
}

func zigzag(n int64) uint64   { return uint64(n<<1) ^ uint64(n>>63) }
func unzigzag(n uint64) int64 { return int64(n>>1) ^ -int64(n&1) }

// field is one field of a record.
type field struct {
	number int
	text   bool
	value  uint64 // unless text
	bytes  []byte // if text; of the record
}

// fields goes through the fields of a record.
type fields struct {
	rest []byte
	bad  bool
}

func (f *fields) uvarint() uint64 {
	if len(f.rest) > 0 && f.rest[0] < 0x80 { // most are
		v := uint64(f.rest[0])
		f.rest = f.rest[1:]
		return v
	}
	v, n := binary.Uvarint(f.rest)
	if n <= 0 {
		f.bad, f.rest = true, nil
		return 0
	}
	f.rest = f.rest[n:]
	return v
}

func (f *fields) bytes() []byte {
	n := f.uvarint()
	if n > uint64(len(f.rest)) {
		f.bad, f.rest = true, nil
		return nil
	}
	b := f.rest[:n:n]
	f.rest = f.rest[n:]
	return b
}

func (f *fields) next() (field, bool) {
	if len(f.rest) == 0 {
		return field{}, false
	}
	tag := f.uvarint()
	got := field{number: int(tag >> 1), text: tag&1 == 1}
	if got.text {
		got.bytes = f.bytes()
	} else {
		got.value = f.uvarint()
	}
	return got, !f.bad
}

// putSpec writes the fields of a new job that are known before it has an id.
func putSpec(b []byte, j *backend.NewJob) []byte {
	b = putText(b, fieldTask, j.Task)
	b = putText(b, fieldLane, j.Queue)
	b = putSet(b, fieldPriority, zigzag(int64(j.Priority)))
	b = putText(b, fieldParams, j.Params)
	b = putNumber(b, fieldMaxCrashes, uint64(j.MaxCrashes))
	b = putSet(b, fieldTimeout, uint64(j.Timeout/time.Millisecond))
	if j.Unique != "" {
		b = putText(b, fieldKey, j.Unique)
	}
	return b
}

// written is the state as it is written: that a job became due is not, because the clock tells.
func written(s backend.State) backend.State {
	if s == backend.Available || s == backend.Retryable {
		return backend.Scheduled
	}
	return s
}

// endedAt is until as it is written: the end of a lease is not.
func (e *entry) endedAt() uint64 {
	if !e.state.Finished() {
		return 0
	}
	return uint64(e.until)
}

// putChanges writes the fields in which e differs from what it was. node is the name of e.node.
func putChanges(b []byte, was, e *entry, node string) []byte {
	b = putIfNew(b, fieldState, uint64(written(was.state)), uint64(written(e.state)))
	b = putIfNew(b, fieldRunAt, uint64(was.runAt), uint64(e.runAt))
	b = putIfNew(b, fieldStarted, uint64(was.started), uint64(e.started))
	b = putIfNew(b, fieldEnded, was.endedAt(), e.endedAt())
	b = putIfNew(b, fieldStarts, uint64(was.starts), uint64(e.starts))
	b = putIfNew(b, fieldAttempt, uint64(was.attempt), uint64(e.attempt))
	b = putIfNew(b, fieldMaxAttempts, uint64(was.maxAttempts), uint64(e.maxAttempts))
	b = putIfNew(b, fieldCrashes, uint64(was.crashes), uint64(e.crashes))
	b = putIfNew(b, fieldFlags, uint64(was.flags), uint64(e.flags))
	if was.node != e.node {
		b = putText(b, fieldNode, node)
	}
	return b
}

func putIfNew(b []byte, field int, was, is uint64) []byte {
	if was == is {
		return b
	}
	return putNumber(b, field, is)
}

// set takes over a number that may change, and reports whether field is one.
func (e *entry) set(f field) bool {
	switch f.number {
	case fieldState:
		e.state = backend.State(f.value)
	case fieldRunAt:
		e.runAt = int64(f.value)
	case fieldStarted:
		e.started = int64(f.value)
	case fieldEnded:
		e.until = int64(f.value)
	case fieldStarts:
		e.starts = uint32(f.value)
	case fieldAttempt:
		e.attempt = uint32(f.value)
	case fieldMaxAttempts:
		e.maxAttempts = uint32(f.value)
	case fieldCrashes:
		e.crashes = uint16(f.value)
	case fieldFlags:
		e.flags = flags(f.value)
	default:
		return false
	}
	return true
}

// errorIn returns the error that a record of a job, or of its change, has.
func errorIn(record []byte) string {
	f := fields{rest: record[1:]}
	f.uvarint()
	for got, ok := f.next(); ok; got, ok = f.next() {
		if got.number == fieldError {
			return string(got.bytes)
		}
	}
	return ""
}

// fill sets in j what is in a job's record alone.
func fill(j *backend.Job, record []byte) error {
	if len(record) == 0 || record[0] != recordJob {
		return errRecord
	}
	f := fields{rest: record[1:]}
	if f.uvarint() != j.ID {
		return errRecord
	}
	for got, ok := f.next(); ok; got, ok = f.next() {
		switch got.number {
		case fieldParams:
			j.Params = got.bytes
		case fieldTimeout:
			j.Timeout = time.Duration(got.value) * time.Millisecond
		case fieldKey:
			j.Unique = string(got.bytes)
		case fieldError:
			j.Error = string(got.bytes)
		}
	}
	if f.bad {
		return errRecord
	}
	return nil
}

// putUnchanging copies the fields of a job's record that never change, and those that this version does not know. When
// the key is free may change with the clock.
func putUnchanging(b, record []byte) ([]byte, error) {
	f := fields{rest: record[1:]}
	f.uvarint()
	for got, ok := f.next(); ok; got, ok = f.next() {
		if got.number >= firstChanging && got.number <= fieldError || got.number == fieldKeyUntil {
			continue
		}
		if got.text {
			b = putText(b, got.number, got.bytes)
		} else {
			b = putNumber(b, got.number, got.value)
		}
	}
	if f.bad {
		return nil, errRecord
	}
	return b, nil
}
