package history

import (
	"encoding/json"
	"os"
)

// Dump is the content of the store at the end of a run, after the quiet phase and before the nodes stop. The names
// follow the keys of the store.
type Dump struct {
	App    uint8
	Shards []Shard
	Rooms  []Room
	Nodes  map[uint64]int64 // incarnation → end of its lease by Redis, −1 while it is cleaned
	Dead   []DeadNode
	// Foreign lists keys below the prefix that the dump cannot read.
	Foreign []string
}

// Shard is a shard of the queue.
type Shard struct {
	Name    string
	Jobs    []Job             // s
	Details map[uint64]uint64 // d: id → number
	Ready   []uint64          // r: the ids, in the order of the set
	Due     []uint64          // due: the ids
	Running map[uint64]uint64 // run: id → incarnation
	Ended   []uint64          // fin: the ids
	Hold    map[uint64]int64  // hold: incarnation → end of its lease, −1 lost
	Unique  map[string]uint64 // u
	Until   map[string]int64  // ux
	Counts  map[string]int64  // n: task + "/" + state, of the states ready, due, running, completed, cancelled, dead
}

// Job is the record of a job.
type Job struct {
	ID, Number uint64
	Task       string
	State      string // ready, due, running, completed, cancelled, dead
	Inc        uint64 // of the run, if running
	Fence      uint64
	Attempt    int
	Crashes    int
}

// Room is the presence of a room.
type Room struct {
	Name    string
	Members map[string]uint64 // w: member → incarnation
	Order   []string          // o
	Counts  map[uint64]int64  // c: incarnation → members
}

// DeadNode is an incarnation that was cleaned.
type DeadNode struct {
	Inc       uint64
	Seconds   int64 // since it was marked dead
	Keys      int   // keys that still name it
	Partition string
}

// SaveDump writes the dump to a file.
func SaveDump(path string, d *Dump) error {
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o644)
}

// LoadDump reads a dump that SaveDump wrote.
func LoadDump(path string) (*Dump, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d := new(Dump)
	return d, json.Unmarshal(b, d)
}
