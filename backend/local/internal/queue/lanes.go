package queue

import (
	"slices"

	"github.com/actionhero-go/actionhero/backend"
)

// lane is one queue of those that jobs name.
type lane struct {
	name     string
	lines    []line // by falling priority; none is empty
	suspects list
	counts   [backend.Dead + 1]int
	uses     int // jobs that name it
	watchers []*watcher
}

// line is the due jobs of one priority, in the order in which they became due.
type line struct {
	priority int8
	list
}

// line returns the line of a priority, which is made if it is not there.
func (l *lane) line(priority int8) *line {
	i, ok := slices.BinarySearchFunc(l.lines, priority, func(l line, p int8) int { return int(p) - int(l.priority) })
	if !ok {
		l.lines = slices.Insert(l.lines, i, line{priority: priority})
	}
	return &l.lines[i]
}

// unline takes out i, which is in the line of its priority.
func (l *lane) unline(s *slab, i slot) {
	p := l.line(s.at(i).priority)
	if p.remove(s, i); p.n == 0 {
		n := slices.IndexFunc(l.lines, func(x line) bool { return x.priority == p.priority })
		l.lines = slices.Delete(l.lines, n, n+1)
	}
}

// lanes numbers the queues. A queue is forgotten with its last job.
type lanes struct {
	numbers map[string]uint32
	list    []*lane
	free    []uint32
}

func newLanes() lanes { return lanes{numbers: map[string]uint32{}} }

// find returns the queue with this name, or nil.
func (l *lanes) find(name string) *lane {
	if number, ok := l.numbers[name]; ok {
		return l.list[number]
	}
	return nil
}

// use returns the number of the queue with this name, and counts one use more.
func (l *lanes) use(name string, w watchers) uint32 {
	number, ok := l.numbers[name]
	if !ok {
		made := &lane{name: name, watchers: w[name]}
		if last := len(l.free) - 1; last >= 0 {
			number = l.free[last]
			l.free = l.free[:last]
			l.list[number] = made
		} else {
			number = uint32(len(l.list))
			l.list = append(l.list, made)
		}
		l.numbers[made.name] = number
	}
	l.list[number].uses++
	return number
}

// useBytes is use for a name that is made a string only if it is new.
func (l *lanes) useBytes(name []byte, w watchers) uint32 {
	if number, ok := l.numbers[string(name)]; ok {
		l.list[number].uses++
		return number
	}
	return l.use(string(name), w)
}

func (l *lanes) drop(number uint32) {
	it := l.list[number]
	if it.uses--; it.uses > 0 {
		return
	}
	delete(l.numbers, it.name)
	l.list[number] = nil
	l.free = append(l.free, number)
}

// keys knows which job has which unique key.
type keys struct {
	holders map[string]slot
	list    []key // by number; 0 is none
	free    []uint32
}

type key struct {
	text  string
	until int64 // the job has it until then whatever becomes of it; 0: until it has ended
}

func newKeys() keys { return keys{holders: map[string]slot{}, list: make([]key, 1)} }

func (k *keys) use(text string, until int64) uint32 {
	if text == "" {
		return 0
	}
	if last := len(k.free) - 1; last >= 0 {
		number := k.free[last]
		k.free = k.free[:last]
		k.list[number] = key{text, until}
		return number
	}
	k.list = append(k.list, key{text, until})
	return uint32(len(k.list) - 1)
}

func (k *keys) drop(number uint32) {
	if number != 0 {
		k.list[number] = key{}
		k.free = append(k.free, number)
	}
}

// watcher is told when jobs of some queues become due.
type watcher struct {
	lanes []string
	due   chan struct{} // has room for one
}

func (w *watcher) tell() {
	select {
	case w.due <- struct{}{}:
	default:
	}
}

// watchers are known by the names of the queues, some of which may have no jobs.
type watchers map[string][]*watcher
