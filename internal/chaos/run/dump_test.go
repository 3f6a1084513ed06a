//go:build linux

package run

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// The kinds of keys that the backend has: backend/redis/queue_keys.go and backend/redis/broker.go describe them.
var known = map[string]bool{"q": true, "e": true, "k": true, "f": true, "n": true, "ni": true, "nd": true, "nm": true, "ct": true,
	"pm": true, "po": true, "pc": true, "pp": true, "px": true, "pr": true}

// dump reads the store. All keys of a shard are read at one time.
func (r *runner) dump() *history.Dump {
	d := &history.Dump{Nodes: map[uint64]int64{}}
	shards := map[string]map[string]*redistest.Server{} // by tag: part → the server that has it
	for _, server := range r.servers.masters() {
		reply, _ := server.Do(r.t, "KEYS", r.prefix+":*").([]any)
		for _, key := range reply {
			r.dumpKey(d, server, fmt.Sprint(key), shards)
		}
	}
	for tag, parts := range shards {
		d.Shards = append(d.Shards, r.shard(tag, parts))
	}
	return d
}

// dumpKey reads a key of the presence, and notes those of the queue.
func (r *runner) dumpKey(d *history.Dump, server *redistest.Server, key string, shards map[string]map[string]*redistest.Server) {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(key, r.prefix+":"), ":{")
	tag, name, ok := strings.Cut(rest, "}")
	switch {
	case !ok || !known[kind]:
		d.Foreign = append(d.Foreign, key)
	case kind == "q":
		if shards[tag] == nil {
			shards[tag] = map[string]*redistest.Server{}
		}
		shards[tag][name] = server
	case kind == "n":
		for inc, end := range pairs(server.Do(r.t, "ZRANGE", key, 0, -1, "WITHSCORES")) {
			d.Nodes[number(inc)] = int64(number(end))
			if strings.HasPrefix(end, "-") {
				d.Nodes[number(inc)] = -1
			}
		}
	case kind == "pm":
		d.Rooms = append(d.Rooms, r.room(server, tag, name))
	}
}

func (r *runner) room(server *redistest.Server, tag, name string) history.Room {
	key := func(kind string) string { return r.prefix + ":" + kind + ":{" + tag + "}" + name }
	// One script, so that no change comes between the commands.
	reply, _ := server.Do(r.t, "EVAL", "return {redis.call('HGETALL', KEYS[1]), redis.call('ZRANGE', KEYS[2], 0, -1), redis.call('HGETALL', KEYS[3])}",
		3, key("pm"), key("po"), key("pc")).([]any)
	room := history.Room{Name: name, Members: map[string]uint64{}, Counts: map[uint64]int64{}}
	for member, value := range pairs(reply[0]) {
		inc, _, _ := strings.Cut(value, " ")
		room.Members[member] = number(inc)
	}
	for _, member := range reply[1].([]any) {
		room.Order = append(room.Order, fmt.Sprint(member))
	}
	for inc, count := range pairs(reply[2]) {
		if inc != "#" {
			room.Counts[number(inc)] = int64(number(count))
		}
	}
	return room
}

// queueParts are the keys of a shard that are read, with the command that reads each.
var queueParts = [][2]string{{"d", "HGETALL"}, {"s", "HGETALL"}, {"r", "Z"}, {"aside", "Z"}, {"due", "Z"}, {"run", "ZZ"}, {"hold", "ZZ"}, {"fin", "Z"}, {"dead", "Z"}, {"u", "HGETALL"}, {"n", "HGETALL"}}

// readShard reads all keys of a shard by one script, so that no change comes between.
func (r *runner) readShard(tag string, parts map[string]*redistest.Server) (at map[string]any) {
	var server *redistest.Server
	for _, server = range parts {
		break
	}
	script, keys := "return {", []any{}
	for i, part := range queueParts {
		switch n := i + 1; part[1] {
		case "Z":
			script += fmt.Sprintf("redis.call('ZRANGE', KEYS[%d], 0, -1),", n)
		case "ZZ":
			script += fmt.Sprintf("redis.call('ZRANGE', KEYS[%d], 0, -1, 'WITHSCORES'),", n)
		default:
			script += fmt.Sprintf("redis.call('HGETALL', KEYS[%d]),", n)
		}
		keys = append(keys, r.prefix+":q:{"+tag+"}"+part[0])
	}
	reply, _ := server.Do(r.t, append([]any{"EVAL", script + "}", len(keys)}, keys...)...).([]any)
	at = map[string]any{}
	for i, part := range queueParts {
		at[part[0]] = reply[i]
	}
	return at
}

func (r *runner) shard(tag string, parts map[string]*redistest.Server) history.Shard {
	at := r.readShard(tag, parts)
	s := history.Shard{Name: tag, Details: map[uint64]uint64{}, Running: map[uint64]uint64{}, Hold: map[uint64]int64{},
		Unique: map[string]uint64{}, Until: map[string]int64{}, Counts: map[string]int64{}}
	for id, data := range pairs(at["d"]) {
		var in jobInput
		if len(data) < dataHead || json.Unmarshal([]byte(data[dataHead:]), &in) != nil {
			r.t.Errorf("the data of job %s is %q", id, data)
		}
		s.Details[number(id)] = number(in.N)
	}
	for key, id := range pairs(at["u"]) {
		s.Unique[key] = number(id)
	}
	for id, record := range pairs(at["s"]) {
		s.Jobs = append(s.Jobs, r.job(number(id), record, &s))
	}
	s.Ready = append(ids(at["r"], 1, sortKey), ids(at["aside"], 2, sortKey)...)
	s.Due, s.Ended = ids(at["due"], 0, 0), append(ids(at["fin"], 0, 0), ids(at["dead"], 0, 0)...)
	for id, inc := range pairs(at["run"]) {
		s.Running[number(id)] = number(inc)
	}
	for inc, end := range pairs(at["hold"]) {
		s.Hold[number(inc)] = int64(number(end))
	}
	r.counts(&s, at["n"])
	return s
}

// The offsets of a record of a job: see backend/redis/queue_record.go.
const (
	dataHead    = 9
	recordHead  = 115
	atCrashes   = 9
	atAttempt   = 13
	atUntil     = 65
	atInc       = 73
	atFence     = 81
	atLengths   = 105
	stateOffset = 1
	sortKey     = 13 // the priority and ord in a member of r
)

var stateNames = []string{"", "due", "ready", "running", "due", "completed", "cancelled", "dead"}

func (r *runner) job(id uint64, record string, s *history.Shard) history.Job {
	if len(record) < recordHead {
		r.t.Errorf("the record of job %d is %q", id, record)
		return history.Job{ID: id}
	}
	b := []byte(record)
	u64 := func(at int) uint64 { return binary.BigEndian.Uint64(b[at:]) }
	j := history.Job{
		ID: id, Number: s.Details[id], State: stateNames[b[stateOffset]%8], Crashes: int(binary.BigEndian.Uint16(b[atCrashes:])),
		Attempt: int(binary.BigEndian.Uint32(b[atAttempt:])), Fence: u64(atFence),
	}
	if j.State == "running" {
		j.Inc = u64(atInc)
	}
	rest := record[recordHead:]
	var fields [5]string // queue, task, node, unique, error
	for i := range fields {
		n := int(binary.BigEndian.Uint16(b[atLengths+2*i:]))
		fields[i], rest = rest[:n], rest[n:]
	}
	j.Task = fields[1]
	if until := u64(atUntil); until != 0 && fields[3] != "" && s.Unique[fields[3]] == id {
		s.Until[fields[3]] = int64(until)
	}
	return j
}

// counts adds the counts of all queues by task and state. A field of n is the state, the length of the queue, the queue
// and the task.
func (r *runner) counts(s *history.Shard, n any) {
	for _, j := range s.Jobs {
		if key := j.Task + "/" + j.State; s.Counts[key] == 0 {
			s.Counts[key] = 0
		}
	}
	for field, count := range pairs(n) {
		if strings.HasPrefix(field, "x") {
			continue // the audit counts anew
		}
		length, err := strconv.ParseUint(field[1:5], 16, 16)
		if err != nil || len(field) < 5+int(length) {
			r.t.Errorf("the counts of a shard have the field %q", field)
			continue
		}
		s.Counts[field[5+length:]+"/"+stateNames[field[0]-'0']] += int64(number(count))
	}
}

// pairs returns the fields and values, or the members and scores, of a reply.
func pairs(reply any) map[string]string {
	list, _ := reply.([]any)
	m := map[string]string{}
	for i := 0; i+1 < len(list); i += 2 {
		m[fmt.Sprint(list[i])] = fmt.Sprint(list[i+1])
	}
	return m
}

func number(text string) uint64 {
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return n
	}
	f, _ := strconv.ParseFloat(text, 64)
	return uint64(int64(f))
}

// ids returns the ids in the members of a set. In front of each id are some texts with their lengths, and then skip bytes.
func ids(reply any, texts, skip int) (list []uint64) {
	members, _ := reply.([]any)
	for _, m := range members {
		rest := fmt.Sprint(m)
		for range texts {
			length, err := strconv.ParseUint(rest[:4], 16, 16)
			if err != nil {
				return nil
			}
			rest = rest[4+length:]
		}
		list = append(list, number(rest[skip:]))
	}
	return list
}

// open counts the jobs that have not ended.
func open(d *history.Dump) (n int) {
	for _, s := range d.Shards {
		n += len(s.Ready) + len(s.Due) + len(s.Running)
	}
	return n
}
