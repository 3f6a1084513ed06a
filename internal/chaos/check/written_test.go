package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// written is a history as text. A line is "seconds process[/inc] kind fields", and a duration in a field t stands in
// seconds: t=5s. Lines may be in any order. The processes are n1, n2 and n3 (nodes of app 0), o1 (a node of app 1),
// c (a client) and ctl (the controller).
var writtenProcesses = []history.Process{{Name: "n1"}, {Name: "n2", Index: 1}, {Name: "n3", Index: 2}, {Name: "o1", App: 1, Index: 3}, {Name: "c", Index: 4}, {Name: "ctl", Index: 5}}

// prelude is the begin of most histories: two nodes with 4 workers that know mail and solo, which is exclusive.
const prelude = `
0 n1/1 inc
0 n1/1 knows a=mail k=3
0 n1/1 knows a=solo k=3 s=1
0 n1/1 workers k=4
0 n2/2 inc
0 n2/2 knows a=mail k=3
0 n2/2 knows a=solo k=3 s=1
0 n2/2 workers k=4
`

func written(t *testing.T, text string) *history.Memory {
	t.Helper()
	var events []history.Event
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		seconds, err := strconv.ParseFloat(fields[0], 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		name, inc, found := strings.Cut(fields[1], "/")
		if !found {
			inc = "0"
		}
		for i, f := range fields {
			if d, err := time.ParseDuration(strings.TrimPrefix(f, "t=")); strings.HasPrefix(f, "t=") && err == nil {
				fields[i] = fmt.Sprintf("t=%d", d)
			}
		}
		e, err := history.ParseEvent(fmt.Sprintf("%d %s %s", int64(seconds*1e9), inc, strings.Join(fields[2:], " ")))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		e.Proc = int32(slices.IndexFunc(writtenProcesses, func(p history.Process) bool { return p.Name == name }))
		if e.Proc < 0 {
			t.Fatalf("%q has no known process", line)
		}
		events = append(events, e.Clone())
	}
	return history.NewMemory(writtenProcesses, events)
}

// verdict is a written history and the law's verdict: the text of the violation, of the exception, or neither.
type verdict struct {
	name     string
	text     string
	violates string
	excepted string
	dump     *history.Dump
}

// judge checks each history against one law. A violation must have lines that prove it, unless it is in the dump.
func judge(t *testing.T, law string, cases []verdict) {
	t.Helper()
	breaks, passes := 0, 0
	for _, c := range cases {
		r, err := Run(written(t, c.text), Options{Laws: []string{law}, Dump: c.dump, Partial: true})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if c.violates == "" {
			passes++
		} else {
			breaks++
		}
		if got := r.Count[law]; (got > 0) != (c.violates != "") {
			t.Errorf("%s: %d violations: %s", c.name, got, show(r))
		}
		for _, v := range r.Violations {
			if !strings.Contains(v.Why, c.violates) || len(v.Events) == 0 && c.dump == nil {
				t.Errorf("%s: the violation is %q with %d lines, want %q", c.name, v.Why, len(v.Events), c.violates)
			}
		}
		found := slices.ContainsFunc(r.Exceptions, func(x Exception) bool { return strings.Contains(x.Why, c.excepted) && x.Law == law })
		if c.excepted != "" && !found || c.excepted == "" && c.violates == "" && len(r.Exceptions) > 0 {
			t.Errorf("%s: exceptions %s, want %q", c.name, show(r), c.excepted)
		}
	}
	if breaks == 0 || passes == 0 {
		t.Errorf("%s has %d histories that break it and %d that do not", law, breaks, passes)
	}
}

func show(r *Report) string {
	var b strings.Builder
	if _, err := r.WriteTo(&b); err != nil {
		return err.Error()
	}
	return b.String()
}

func itoa(n int) string { return strconv.Itoa(n) }
