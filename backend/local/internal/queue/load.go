package queue

import (
	"encoding/binary"
	"fmt"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
)

func putLastRun(b []byte, name string, at int64) []byte {
	b = binary.AppendUvarint(append(b, recordLastRun), zigzag(at))
	return append(b, name...)
}

func putShift(b []byte, by int64) []byte {
	return binary.AppendUvarint(append(b, recordShift), zigzag(by))
}

// load opens the journal in the configured folder and reads all jobs into a new table.
func (q *Queue) load() error {
	q.jobs = newTable(false, q.watchers)
	q.clock.resync()
	log, err := journal.Open(q.cfg.FS, q.cfg.FileBytes, &q.mu, q, q.jobs.replay)
	if err != nil {
		q.jobs = newTable(true, q.watchers)
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.log = log
	q.compact = compaction{due: true}
	now, _ := q.clock.now()
	q.jobs.rebuild(now.wall)
	return nil
}

// replay applies one record of the journal to the table. The argument at is the position of the record. It fails if the
// record is invalid. The entries are in no list or heap until rebuild is called.
func (t *table) replay(at pos, record []byte) error {
	if len(record) == 0 {
		return errRecord
	}
	f := fields{rest: record[1:]}
	number := f.uvarint()
	switch record[0] {
	case recordHead:
		if number > format {
			return fmt.Errorf("it was written by a newer version of this program (format %d, this version reads up to %d): use the newer version", number, format)
		}
		t.lastID = max(t.lastID, f.uvarint())
	case recordJob:
		t.replayJob(number, at, len(record), &f)
	case recordChange:
		if i := t.find(number); i != 0 { // if the job is not found, it was removed because of its age
			t.replayChange(i, at, len(record), &f)
		}
	case recordDelete:
		if i := t.find(number); i != 0 {
			t.index.remove(number)
			t.release(i)
		}
	case recordLastRun:
		t.setLastRun(string(f.rest), unzigzag(number))
	case recordShift:
		t.shiftTimes(unzigzag(number))
	default:
		return fmt.Errorf("there is a record of the kind %d, which this version of the program does not know", record[0])
	}
	if f.bad {
		return errRecord
	}
	return nil
}

// replayJob adds the job that a record of the kind recordJob describes. If the job exists already, the record is a
// newer copy, and replayJob replaces all fields of the job's entry.
func (t *table) replayJob(id uint64, at pos, length int, f *fields) {
	e := entry{id: id, record: at, recordLen: uint32(length)}
	var task, queue, node, key []byte
	var keyUntil int64
	for got, ok := f.next(); ok; got, ok = f.next() {
		switch got.number {
		case fieldTask:
			task = got.bytes
		case fieldQueue:
			queue = got.bytes
		case fieldPriority:
			e.priority = int8(unzigzag(got.value))
		case fieldMaxCrashes:
			e.maxCrashes = uint16(got.value)
		case fieldKey:
			key = got.bytes
		case fieldKeyUntil:
			keyUntil = int64(got.value)
		case fieldEnqueued:
			e.enqueued = int64(got.value)
		case fieldNode:
			node = got.bytes
		default:
			e.setField(got)
		}
	}
	if f.bad = f.bad || id == 0 || len(task) == 0 || len(queue) == 0 || !validState(e.state); f.bad {
		return
	}
	e.task, e.queue, e.node = t.tasks.useBytes(task), t.useQueue(t.queues.useBytes(queue)), t.nodes.useBytes(node)
	e.key = t.keys.use(string(key), keyUntil)
	i := t.find(id)
	if i == 0 {
		i = t.alloc()
		t.index.insert(id, i)
		t.lastID = max(t.lastID, id)
	} else {
		t.dropNames(t.at(i))
	}
	*t.at(i) = e
}

func (t *table) replayChange(i slot, at pos, length int, f *fields) {
	e := t.at(i)
	state := e.state
	for got, ok := f.next(); ok; got, ok = f.next() {
		switch got.number {
		case fieldNode:
			was := e.node
			e.node = t.nodes.useBytes(got.bytes)
			t.nodes.drop(was)
		case fieldError:
			e.failure, e.failureLen = at, uint32(length)
		default:
			e.setField(got)
		}
	}
	if !validState(e.state) {
		e.state, f.bad = state, true
	}
	if e.state == backend.Running {
		e.endsAt = 0 // older versions have stored the end of a lease
	}
}

func validState(s backend.State) bool { return s >= backend.Scheduled && s <= backend.Dead }
