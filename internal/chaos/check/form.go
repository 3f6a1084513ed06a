package check

import (
	"fmt"
	"maps"
	"slices"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// newT10 judges the form of the queue in the dump.
func newT10(w *world) observer {
	return observer{end: func() {
		if w.options.Dump == nil {
			if !w.options.Partial {
				w.accuse("T10", "there is no dump of the store")
			}
			return
		}
		for _, key := range w.options.Dump.Foreign {
			w.accuse("T10", "the key "+key+" is below the prefix and has no known form")
		}
		for i := range w.options.Dump.Shards {
			f := form{w: w, shard: &w.options.Dump.Shards[i]}
			f.sets()
			f.unique()
			f.counts()
			for _, inc := range slices.Sorted(maps.Values(f.shard.Running)) {
				if _, held := f.shard.Hold[inc]; !held {
					f.wrong("the incarnation %x has runs and no lease", inc)
				}
			}
		}
	}}
}

// form judges one shard.
type form struct {
	w     *world
	shard *history.Shard
	jobs  map[uint64]*history.Job
}

func (f *form) wrong(format string, args ...any) {
	f.w.accuse("T10", "shard "+f.shard.Name+": "+fmt.Sprintf(format, args...))
}

var setOfState = map[string]string{"ready": "r", "due": "due", "running": "run", "completed": "fin", "cancelled": "fin", "dead": "fin"}

// sets judges whether each id is in exactly one set, as its state says, and has a detail record.
func (f *form) sets() {
	f.jobs = map[uint64]*history.Job{}
	in := map[uint64][]string{}
	for set, ids := range map[string][]uint64{"r": f.shard.Ready, "due": f.shard.Due, "fin": f.shard.Ended, "run": slices.Collect(maps.Keys(f.shard.Running))} {
		for _, id := range ids {
			in[id] = append(in[id], set)
		}
	}
	for i := range f.shard.Jobs {
		j := &f.shard.Jobs[i]
		if f.jobs[j.ID] != nil {
			f.wrong("the id %d has two records", j.ID)
		}
		f.jobs[j.ID] = j
		want, known := setOfState[j.State]
		if !known {
			f.wrong("the job %d has the state %q", j.ID, j.State)
		} else if sets := in[j.ID]; len(sets) != 1 || sets[0] != want {
			slices.Sort(sets)
			f.wrong("the job %d is %s and stands in %v", j.ID, j.State, sets)
		}
		if number, ok := f.shard.Details[j.ID]; !ok || number != j.Number {
			f.wrong("the job %d of number %d has the details of number %d", j.ID, j.Number, number)
		}
		if inc, running := f.shard.Running[j.ID]; running && inc != j.Inc {
			f.wrong("the run of job %d belongs to %x, and the set says %x", j.ID, j.Inc, inc)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(in)) {
		if f.jobs[id] == nil {
			f.wrong("the id %d stands in %v and has no record", id, in[id])
		}
	}
	for _, id := range slices.Sorted(maps.Keys(f.shard.Details)) {
		if f.jobs[id] == nil {
			f.wrong("the id %d has details and no record", id)
		}
	}
}

// unique judges whether each unique key points to a living job, or has a time until which it holds.
func (f *form) unique() {
	for _, key := range slices.Sorted(maps.Keys(f.shard.Unique)) {
		j := f.jobs[f.shard.Unique[key]]
		if _, holds := f.shard.Until[key]; !holds && (j == nil || setOfState[j.State] == "fin") {
			f.wrong("the unique key %s points to job %d, which is not alive, and has no time", key, f.shard.Unique[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(f.shard.Until)) {
		if _, ok := f.shard.Unique[key]; !ok {
			f.wrong("the unique key %s has a time and no job", key)
		}
	}
}

func (f *form) counts() {
	counted := map[string]int64{}
	for i := range f.shard.Jobs {
		counted[f.shard.Jobs[i].Task+"/"+f.shard.Jobs[i].State]++
	}
	for _, key := range slices.Sorted(maps.Keys(f.shard.Counts)) {
		if n := f.shard.Counts[key]; n != counted[key] {
			f.wrong("the count of %s is %d, and %d jobs are there", key, n, counted[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(counted)) {
		if _, ok := f.shard.Counts[key]; !ok {
			f.wrong("%d jobs of %s are not counted", counted[key], key)
		}
	}
}

const (
	deadKeysSeconds = 3600
	markedKeys      = 300 // each of the 256 partitions has a key while an incarnation died within the last hour
)

// newR4 judges the form of the presence in the dump, and the number of keys.
func newR4(w *world) observer {
	keys := gauges{}
	return observer{
		see: func(e, _ *history.Event) {
			if e.Kind == history.KindSample && e.Subject == history.GaugeKeys {
				keys.add(e)
			}
		},
		end: func() {
			keys.flat(w, "R4", markedKeys)
			if w.options.Dump == nil {
				if !w.options.Partial {
					w.accuse("R4", "there is no dump of the store")
				}
				return
			}
			for i := range w.options.Dump.Rooms {
				w.judgeRoom(&w.options.Dump.Rooms[i])
			}
			for _, n := range w.options.Dump.Dead {
				if n.Seconds > deadKeysSeconds && n.Keys > 0 {
					w.accuse("R4", fmt.Sprintf("the incarnation %x is dead for %d s and still has %d keys", n.Inc, n.Seconds, n.Keys))
				}
			}
		},
	}
}

func (w *world) judgeRoom(r *history.Room) {
	wrong := func(format string, args ...any) {
		w.accuse("R4", "room "+r.Name+": "+fmt.Sprintf(format, args...))
	}
	counted := map[uint64]int64{}
	for _, inc := range r.Members {
		counted[inc]++
	}
	for _, inc := range slices.Sorted(maps.Keys(r.Counts)) {
		if r.Counts[inc] != counted[inc] {
			wrong("the count of %x is %d, and %d members are there", inc, r.Counts[inc], counted[inc])
		}
		if lease, ok := w.options.Dump.Nodes[inc]; r.Counts[inc] != 0 && (!ok || lease < 0) {
			w.accuseLate("R4", fmt.Sprintf("room %s: members of %x are left, which is no living node", r.Name, inc))
		}
	}
	for _, inc := range slices.Sorted(maps.Keys(counted)) {
		if _, ok := r.Counts[inc]; !ok {
			wrong("%d members of %x are not counted", counted[inc], inc)
		}
	}
	seen := map[string]bool{}
	for _, member := range r.Order {
		if _, ok := r.Members[member]; !ok || seen[member] {
			wrong("the order has the member %s, who is not there or stands twice", member)
		}
		seen[member] = true
	}
	if len(r.Order) != len(r.Members) {
		wrong("the order has %d members, the list %d", len(r.Order), len(r.Members))
	}
}
