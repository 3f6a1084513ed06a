package history

import (
	"cmp"
	"slices"
)

// Memory is a history in memory, for tests and simulations.
type Memory struct {
	processes []Process
	events    []Event
}

// NewMemory returns the history of these events, which it sorts by time without changing the order of equal times. It
// numbers the lines of each process.
func NewMemory(processes []Process, events []Event) *Memory {
	m := &Memory{processes, slices.Clone(events)}
	slices.SortStableFunc(m.events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
	lines := make([]int32, len(processes))
	for i := range m.events {
		e := &m.events[i]
		lines[e.Proc]++
		e.Line = lines[e.Proc]
	}
	return m
}

// Processes implements [Source].
func (m *Memory) Processes() []Process { return m.processes }

// Each implements [Source].
func (m *Memory) Each(see func(*Event) error) error {
	for i := range m.events {
		if err := see(&m.events[i]); err != nil {
			return err
		}
	}
	return nil
}

// ParseEvent reads one line, without its end.
func ParseEvent(line string) (Event, error) {
	var e Event
	err := newParser().parse(line, &e)
	return e, err
}
