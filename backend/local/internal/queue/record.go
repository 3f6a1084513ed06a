package queue

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// format is the version number of the format of records. The journal is a sequence of records.
//
// The first byte of a record is its kind. In most kinds, the id of a job and the fields of the job follow. A field
// begins with a tag, which is twice the field's number, plus 1 if the value is bytes. After the tag follows a number,
// or a length and bytes. All numbers are varints. A reader ignores an unknown field, and keeps the unknown field when
// it rewrites the record of the job. So a later version of the program can add fields. A new format is needed only for
// a change that older versions must not ignore.
const format = 1

const (
	recordHead    = 1 // the first record of a segment: the format and the last job id
	recordJob     = 2 // all fields of a job
	recordChange  = 3 // the changed fields of a job
	recordDelete  = 4 // the id of a deleted job
	recordLastRun = 5 // the name and the last run of a schedule
	recordShift   = 6 // the number of milliseconds by which the wall clock was set
)

// These are the numbers of the fields of a job in a record. The values of fields below firstChanging never change,
// except fieldKeyUntil.
const (
	fieldTask = 1 + iota
	fieldQueue
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
	fieldFinished
	fieldStarts
	fieldAttempt
	fieldMaxAttempts
	fieldCrashes
	fieldFlags
	fieldNode
	fieldError
)

var errRecord = errors.New("a record is invalid")

func putNumber(b []byte, field int, value uint64) []byte {
	return binary.AppendUvarint(append(b, byte(field<<1)), value)
}

func putText[T string | []byte](b []byte, field int, value T) []byte {
	b = binary.AppendUvarint(append(b, byte(field<<1|1)), uint64(len(value)))
	return append(b, value...)
}

// putNonzero appends a field with a number to the record b, as putNumber does. If the value is 0, which is the default
// of the field, it appends nothing.
func putNonzero(b []byte, field int, value uint64) []byte {
	if value == 0 {
		return b
	}
	return putNumber(b, field, value)
}

func zigzag(n int64) uint64   { return uint64(n<<1) ^ uint64(n>>63) }
func unzigzag(n uint64) int64 { return int64(n>>1) ^ -int64(n&1) }

// field is one decoded field of a record.
type field struct {
	number int
	text   bool   // true: the value of the field is bytes; false: it is a number
	value  uint64 // the value if text is false
	bytes  []byte // the value if text is true; a part of the record
}

// fields iterates over the fields of a record. The field bad is true after invalid bytes.
type fields struct {
	rest []byte
	bad  bool
}

func (f *fields) uvarint() uint64 {
	if len(f.rest) > 0 && f.rest[0] < 0x80 { // the most frequent case
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

// putSpec appends the fields of the new job j to the record b, except the fields that depend on the job's id or on the
// time.
func putSpec(b []byte, j *backend.NewJob) []byte {
	b = putText(b, fieldTask, j.Task)
	b = putText(b, fieldQueue, j.Queue)
	b = putNonzero(b, fieldPriority, zigzag(int64(j.Priority)))
	b = putText(b, fieldParams, j.Params)
	b = putNumber(b, fieldMaxCrashes, uint64(j.MaxCrashes))
	b = putNonzero(b, fieldTimeout, uint64(j.Timeout/time.Millisecond))
	if j.Unique != "" {
		b = putText(b, fieldKey, j.Unique)
	}
	return b
}

// storedState returns the state to write into a record for a job in the state s. It returns Scheduled for each waiting
// job, because the clock shows whether that job is due.
func storedState(s backend.State) backend.State {
	if s == backend.Available || s == backend.Retryable {
		return backend.Scheduled
	}
	return s
}

// storedFinished returns the finish time of the job for a record on disk, or 0 if the job has not finished. Only
// a finished job has one.
func (e *entry) storedFinished() uint64 {
	if !e.state.Finished() {
		return 0
	}
	return uint64(e.endsAt)
}

// putChanges compares the entry e with its earlier content, the argument was, and appends the changed fields to the
// record b. The argument node is the name of the node e.node.
func putChanges(b []byte, was, e *entry, node string) []byte {
	b = putChanged(b, fieldState, uint64(storedState(was.state)), uint64(storedState(e.state)))
	b = putChanged(b, fieldRunAt, uint64(was.runAt), uint64(e.runAt))
	b = putChanged(b, fieldStarted, uint64(was.started), uint64(e.started))
	b = putChanged(b, fieldFinished, was.storedFinished(), e.storedFinished())
	b = putChanged(b, fieldStarts, uint64(was.starts), uint64(e.starts))
	b = putChanged(b, fieldAttempt, uint64(was.attempt), uint64(e.attempt))
	b = putChanged(b, fieldMaxAttempts, uint64(was.maxAttempts), uint64(e.maxAttempts))
	b = putChanged(b, fieldCrashes, uint64(was.crashes), uint64(e.crashes))
	b = putChanged(b, fieldFlags, uint64(was.flags), uint64(e.flags))
	if was.node != e.node {
		b = putText(b, fieldNode, node)
	}
	return b
}

func putChanged(b []byte, field int, was, is uint64) []byte {
	if was == is {
		return b
	}
	return putNumber(b, field, is)
}

// setField sets the number in the entry e that the field f contains, and returns true. If f is not a field for a number
// that can change, setField does nothing and returns false.
func (e *entry) setField(f field) bool {
	switch f.number {
	case fieldState:
		e.state = backend.State(f.value)
	case fieldRunAt:
		e.runAt = int64(f.value)
	case fieldStarted:
		e.started = int64(f.value)
	case fieldFinished:
		e.endsAt = int64(f.value)
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

// errorOf returns the error text in a record of a job or of a change. If the record has no error text, errorOf returns
// an empty string.
func errorOf(record []byte) string {
	f := fields{rest: record[1:]}
	f.uvarint()
	for got, ok := f.next(); ok; got, ok = f.next() {
		if got.number == fieldError {
			return string(got.bytes)
		}
	}
	return ""
}

// fill sets the fields of the job j that are not in its entry, only in its record. It fails if the record is invalid or
// belongs to another job.
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

// putConstant appends the constant and the unknown fields of record, the record of a job, to b. It omits fieldKeyUntil,
// which changes if the wall clock is set.
func putConstant(b, record []byte) ([]byte, error) {
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
