package redis

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// The record of a job in the key s. All numbers are big-endian. The scripts have the same format in lua/queue_lib.lua.
//
//	 0  the version of the format, 1
//	 1  the state
//	 2  127 - priority
//	 3  1 if the job is running and was cancelled
//	 4  1 if the job is running and its worker stops
//	 5  1 if the job waits because its last run failed
//	 6  1 if the job is due and is in aside, not in r
//	 7  1 if the params are big, so that a Fetch reads them after its script
//	 8  the state in the last outcome, 0 if there was none
//	 9  crashes, maxCrashes: 2 bytes each
//	13  attempt, maxAttempts, starts: 4 bytes each
//	25  ord; enqueued, runAt, started, ended, uniqueUntil in ms; inc; the fence of the last run; the fence of the last run
//	    that Finish ended; the fence of the last run that ended with its inc: 8 bytes each
//	105 the lengths of queue, task, node, unique, error: 2 bytes each
//	115 queue, task, node, unique, error
//
// The record in the key d never changes: the version of the format, 1; the timeout in ms, 8 bytes; the params.
const (
	jobVersion = 1
	jobHead    = 115
	dataHead   = 9
)

// The offsets of fields of 8 bytes.
const (
	atOrd = 25 + 8*iota
	atEnqueued
	atRunAt
	atStarted
	atEnded
	atUniqueUntil
	atInc
	atFence
	atLast
	atLost
	atLengths
)

// oneCrashLeft reports whether the next crash of the job in a record kills it, and it has crashed before.
func oneCrashLeft(record string) bool {
	crashes, most := binary.BigEndian.Uint16([]byte(record[9:11])), binary.BigEndian.Uint16([]byte(record[11:13]))
	return crashes > 0 && crashes+1 >= most
}

// bigData is the length of a record in d from which on a Fetch reads it after its script.
const bigData = 16 << 10

// errRecord means that a record has another format. A newer version may have written it.
var errRecord = errors.New("the record of the job cannot be read: it is damaged, or a newer version of the server wrote it")

// decodeJob returns the job with the id from its records. The text data is the record in d; if it is "", the params and
// the timeout stay empty.
func decodeJob(id uint64, record, data string) (backend.Job, error) {
	if len(record) < jobHead || record[0] != jobVersion || record[1] == 0 || backend.State(record[1]) > backend.Dead {
		return backend.Job{}, errRecord
	}
	head := []byte(record[:jobHead])
	u16 := func(at int) int { return int(binary.BigEndian.Uint16(head[at:])) }
	u32 := func(at int) int { return int(binary.BigEndian.Uint32(head[at:])) }
	millis := func(at int) time.Time {
		if ms := int64(binary.BigEndian.Uint64(head[at:])); ms != 0 {
			return time.UnixMilli(ms)
		}
		return time.Time{}
	}
	j := backend.Job{
		ID: id, State: backend.State(head[1]), Priority: int8(127 - int(head[2])), Cancelling: head[3] == 1,
		Crashes: u16(9), MaxCrashes: u16(11), Attempt: u32(13), MaxAttempts: u32(17), Starts: u32(21),
		Enqueued: millis(atEnqueued), RunAt: time.UnixMilli(int64(binary.BigEndian.Uint64(head[atRunAt:]))), Started: millis(atStarted),
		Finished: millis(atEnded), UniqueUntil: millis(atUniqueUntil), Fence: binary.BigEndian.Uint64(head[atFence:]),
	}
	rest := record[jobHead:]
	for i, field := range []*string{&j.Queue, &j.Task, &j.Node, &j.Unique, &j.Error} {
		n := u16(atLengths + 2*i)
		if n > len(rest) {
			return backend.Job{}, errRecord
		}
		*field, rest = rest[:n], rest[n:]
	}
	if rest != "" {
		return backend.Job{}, errRecord
	}
	if data == "" {
		return j, nil
	}
	return j, decodeData(&j, data)
}

// fenceOf returns the fence of the last run in a record.
func fenceOf(record string) uint64 {
	return binary.BigEndian.Uint64([]byte(record[atFence : atFence+8]))
}

// decodeData sets the fields of a job that are in d.
func decodeData(j *backend.Job, data string) error {
	if len(data) < dataHead || data[0] != jobVersion {
		return errRecord
	}
	j.Timeout = time.Duration(binary.BigEndian.Uint64([]byte(data[1:dataHead]))) * time.Millisecond
	if len(data) > dataHead {
		j.Params = []byte(data[dataHead:])
	}
	return nil
}

// encodeData returns the record of a job for the key d.
func encodeData(timeout time.Duration, params []byte) string {
	data := make([]byte, dataHead, dataHead+len(params))
	data[0] = jobVersion
	binary.BigEndian.PutUint64(data[1:], uint64(timeout.Milliseconds()))
	return string(append(data, params...))
}

// encodeNew returns the record of a new job for the scripts that add jobs. Some fields are only instructions: runAt is the
// wanted time or 0, started the delay in µs, and uniqueUntil the duration for which the job holds its unique key, in µs.
func encodeNew(j *backend.NewJob) string {
	record := make([]byte, jobHead, jobHead+len(j.Queue)+len(j.Task)+len(j.Unique))
	record[0], record[1], record[2] = jobVersion, byte(backend.Scheduled), byte(127-int(j.Priority))
	if dataHead+len(j.Params) >= bigData {
		record[7] = 1
	}
	binary.BigEndian.PutUint16(record[11:], uint16(j.MaxCrashes))
	binary.BigEndian.PutUint32(record[17:], uint32(j.MaxAttempts))
	if !j.RunAt.IsZero() {
		binary.BigEndian.PutUint64(record[atRunAt:], uint64(max(0, j.RunAt.Add(time.Millisecond-time.Nanosecond).UnixMilli())))
	}
	binary.BigEndian.PutUint64(record[atStarted:], ceilMicros(j.Delay))
	binary.BigEndian.PutUint64(record[atUniqueUntil:], ceilMicros(j.UniqueFor))
	for i, n := range []int{len(j.Queue), len(j.Task), 0, len(j.Unique), 0} {
		binary.BigEndian.PutUint16(record[atLengths+2*i:], uint16(n))
	}
	record = append(append(append(record, j.Queue...), j.Task...), j.Unique...)
	return string(record)
}

// noTimes is what the record of a new job that is due at once has from ord to lost.
var noTimes = string(make([]byte, atLengths-atOrd))

// isPlain reports whether a new job, which has this record, is due at once and has no unique key.
func isPlain(record string) bool {
	const unique = atLengths + 2*3
	return record[atOrd:atLengths] == noTimes && record[unique:unique+2] == "\x00\x00"
}

// ceilMicros returns a duration in µs, rounded up, and at most maxTTL.
func ceilMicros(d time.Duration) uint64 {
	return uint64((min(d, maxTTL) + time.Microsecond - 1) / time.Microsecond)
}
