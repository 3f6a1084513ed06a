package history

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func collect(t *testing.T, s Source) (events []Event) {
	t.Helper()
	if err := s.Each(func(e *Event) error { events = append(events, e.Clone()); return nil }); err != nil {
		t.Fatal(err)
	}
	return events
}

func open(t *testing.T, dir string) *Files {
	t.Helper()
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// recordAll calls each method of the recorder.
func recordAll(r *Recorder) {
	failure := errors.New("connection lost: 100%\nreset")
	r.Inc(1<<52 - 1)
	r.Knows("mail", TaskOptions{MaxCrashes: 3, Exclusive: true})
	r.Workers(8)
	r.Pulse(r.Now())
	a, b := r.Number(), r.Number()
	r.EnqueueIntent("mail", time.Second, a, b).Done(7, 0)
	r.EnqueueIntent("mail", 0, r.Number()).Refused(failure)
	r.EnqueueIntent("mail", 0, r.Number()).Unknown(nil)
	r.Start(Run{Number: a, ID: 7, Fence: 9, Task: "mail", Attempt: 1, Crashes: 2})
	r.CtxEnd(7, 9, "lease lost")
	r.FinishIntent(7, 9, Retry).Unknown(failure)
	r.FinishIntent(7, 9, Completed).Done(Already)
	r.FinishIntent(7, 9, Completed).Refused(failure)
	r.CancelIntent(b, 8).Done(Running, 5)
	r.TickIntent("nightly", "mail", time.Unix(5, 6), r.Number()).Won(9)
	r.TickIntent("nightly", "mail", time.Unix(5, 6), r.Number()).NotWon()
	r.PublishIntent("a room", r.Number()).Done(3, 4)
	r.Deliver("a room", "conn=1", 3, 4, 5)
	r.Gap("a room", "conn=1")
	r.ResumeIntent("a room", "conn=1", 3, 4).Done(0)
	r.ResumeIntent("a room", "conn=1", 3, 4).NotRecovered()
	r.EnterIntent("a room", "x").Done(3, 4)
	r.LeaveIntent("a room", "x").Absent()
	r.Watch("a room", []string{"x y", "ü", "%"})
	r.News("a room", "x", true)
	r.News("a room", "x", false)
	r.MembersIntent("a room").Done([]string{"x", "y"}, 2)
	r.LockIntent("k", time.Minute).Done(11)
	r.UnlockIntent("k", 11).Done()
	r.CacheSetIntent("k", r.Number()).Done()
	r.CacheGetIntent("k").Done(r.CacheLoad("k"))
	r.CacheInvalidateIntent("").Done()
	r.CacheGetIntent("k").Absent()
	f := r.FaultBegin(Fault{Kind: FaultFailover, Target: "redis-1", Lossy: true})
	r.Clock(-time.Hour)
	f.End()
	r.Sample(GaugeKeys, "redis-1", 77)
	r.LeaseLost()
	r.Bye()
}

func TestEachRecordedEventIsReadAsItWas(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r, err := Create(dir, Process{Name: "node1.1", App: 2, Index: 300})
	if err != nil {
		t.Fatal(err)
	}
	recordAll(r)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	files := open(t, dir)
	if want := (Process{"node1.1", 2, 300, os.Getpid()}); files.Processes()[0] != want {
		t.Errorf("process %+v, want %+v", files.Processes()[0], want)
	}
	seen := map[Kind]bool{}
	for _, e := range collect(t, files) {
		seen[e.Kind] = true
		again, err := ParseEvent(e.String())
		again.Proc, again.Line = e.Proc, e.Line
		if err != nil || !reflect.DeepEqual(again.Clone(), e) {
			t.Errorf("%s is read as %s: %v", &e, &again, err)
		}
		if e.Number != 0 && e.Kind != KindProcess && e.Kind != KindDeliver && AppOf(e.Number) != 2 {
			t.Errorf("%s has a number of app %d", &e, AppOf(e.Number))
		}
		if e.Kind.Answers() != 0 && e.Call == 0 {
			t.Errorf("%s has no call", &e)
		}
		if e.Kind == KindWatch && !reflect.DeepEqual(e.Names, []string{"x y", "ü", "%"}) {
			t.Errorf("names %q", e.Names)
		}
		if e.Kind == KindEnqueue && e.Outcome == Refused && e.Object != "connection lost: 100%\nreset" {
			t.Errorf("error %q", e.Object)
		}
	}
	for k := KindProcess; k < kinds; k++ {
		if !seen[k] {
			t.Errorf("no method records the kind %v", k)
		}
	}
}

func TestNumbersOfAllProcessesDiffer(t *testing.T) {
	t.Parallel()
	dir, seen := t.TempDir(), map[uint64]bool{}
	for app := range uint8(2) {
		for index := range uint16(3) {
			r, err := Create(dir, Process{Name: fmt.Sprint(app, index), App: app, Index: index})
			if err != nil {
				t.Fatal(err)
			}
			for range 1000 {
				if n := r.Number(); n == 0 || seen[n] || AppOf(n) != app {
					t.Fatalf("the number %x is 0, not of app %d, or not new", n, app)
				} else {
					seen[n] = true
				}
			}
			r.Close()
		}
	}
}

func TestFilesAreMergedByTimeWithConcurrentWriters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var all sync.WaitGroup
	const processes, goroutines, events = 4, 4, 200
	for i := range processes {
		r, err := Create(dir, Process{Name: fmt.Sprintf("p%d", i), Index: uint16(i)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		for range goroutines {
			all.Go(func() {
				for range events {
					r.Gap("room", "conn")
				}
			})
		}
	}
	all.Wait()
	last, n := time.Duration(0), 0
	for _, e := range collect(t, open(t, dir)) {
		if e.At < last {
			t.Fatalf("%s comes after %v", &e, last)
		}
		last = e.At
		n++
	}
	if want := processes * (goroutines*events + 1); n != want {
		t.Errorf("%d events, want %d", n, want)
	}
}

func TestAnUnfinishedLastLineIsSkippedAndShown(t *testing.T) {
	t.Parallel()
	for _, torn := range []string{"1", "99999999999999999 0 gap a=r", "99999999999999999 0 deliver n=12"} {
		dir := t.TempDir()
		r, err := Create(dir, Process{Name: "p"})
		if err != nil {
			t.Fatal(err)
		}
		r.Gap("room", "conn")
		r.Close()
		appendTo(t, filepath.Join(dir, "p.events"), torn)
		files := open(t, dir)
		if events := collect(t, files); len(events) != 2 || !files.Torn()[0] {
			t.Errorf("after %q: %d events, torn %v", torn, len(events), files.Torn())
		}
	}
}

func TestDamageIsNamedWithItsLine(t *testing.T) {
	t.Parallel()
	for damage, want := range map[string]string{
		"x 0 gap\n":                               "p.events:2: the time",
		"99999999999999999 g gap\n":               "p.events:2: the incarnation",
		"99999999999999999 0 gapp\n":              "p.events:2: there is no kind",
		"99999999999999999 0 gap zz=1\n":          "p.events:2: field \"zz=1\"",
		"99999999999999999 0 fin o=maybe\n":       "p.events:2: field \"o=maybe\"",
		"99999999999999999 0 gap a=%z\n":          "p.events:2: field \"a=%z\"",
		"99999999999999999 0 gap n=-1\n":          "p.events:2: field \"n=-1\"",
		"1 0 gap\n":                               "p.events:2: the time is before",
		"\n":                                      "p.events:2: the time",
		"99999999999999999 0 enq? ns=1,\n1 0 gap": "p.events:2: field",
	} {
		dir := t.TempDir()
		r, err := Create(dir, Process{Name: "p"})
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		appendTo(t, filepath.Join(dir, "p.events"), damage)
		err = open(t, dir).Each(func(*Event) error { return nil })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", damage, err, want)
		}
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(text); err != nil {
		t.Fatal(err)
	}
	file.Close()
}

func TestAProcessNameIsUsedOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r, err := Create(dir, Process{Name: "p"})
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	if _, err := Create(dir, Process{Name: "p"}); err == nil {
		t.Error("a second process has the name p")
	}
	for _, name := range []string{"", "a/b"} {
		if _, err := Create(dir, Process{Name: name}); err == nil {
			t.Errorf("the name %q is accepted", name)
		}
	}
}

func TestALineLongerThanTheReadBufferIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r, err := Create(dir, Process{Name: "p"})
	if err != nil {
		t.Fatal(err)
	}
	members := make([]string, 50_000)
	for i := range members {
		members[i] = fmt.Sprintf("member%d", i)
	}
	r.Watch("room", members)
	r.Close()
	if events := collect(t, open(t, dir)); !reflect.DeepEqual(events[1].Names, members) {
		t.Errorf("%d members are read", len(events[1].Names))
	}
}

// The test runs itself as a process that records without end and is killed.
func TestAKilledProcessLosesNoLineThatWasRecorded(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv("CHAOS_HISTORY_DIR"); dir != "" {
		r, err := Create(dir, Process{Name: "killed"})
		if err != nil {
			t.Fatal(err)
		}
		for n := uint64(1); ; n++ {
			r.Deliver("room", "conn", 1, n, n)
			fmt.Println(n)
		}
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAKilledProcessLosesNoLineThatWasRecorded$")
	cmd.Env = append(os.Environ(), "CHAOS_HISTORY_DIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	shown := uint64(0)
	for range 3000 {
		if _, err := fmt.Fscan(out, &shown); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for {
		var n uint64
		if _, err := fmt.Fscan(out, &n); err != nil {
			break
		}
		shown = n
	}
	_ = cmd.Wait()
	events := collect(t, open(t, dir))
	if last := events[len(events)-1].Number; last+1 < shown {
		t.Errorf("the last line is of %d, and %d was recorded", last, shown)
	}
}

func TestADumpIsReadAsItWasSaved(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dump.json")
	d := &Dump{App: 1, Nodes: map[uint64]int64{1<<52 - 1: -1}, Rooms: []Room{{Name: "r", Members: map[string]uint64{"x": 1}}},
		Shards: []Shard{{Name: "t0", Jobs: []Job{{ID: 1, Number: 1<<56 | 7, State: "ready"}}, Running: map[uint64]uint64{1: 2}}}}
	if err := SaveDump(path, d); err != nil {
		t.Fatal(err)
	}
	if got, err := LoadDump(path); err != nil || !reflect.DeepEqual(got, d) {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add("1 0 gap a=r b=c")
	f.Add("12 f enq? c=1 t=5 a=mail ns=1,2,3")
	f.Add("12 f members o=ok k=2 m=%20 m=y")
	f.Fuzz(func(t *testing.T, line string) {
		e, err := ParseEvent(line)
		if err != nil {
			return
		}
		again, err := ParseEvent(e.String())
		if err != nil || again.String() != e.String() {
			t.Errorf("%q is written as %q: %v", line, e.String(), err)
		}
	})
}

func BenchmarkRecordDelivery(b *testing.B) {
	r, err := Create(b.TempDir(), Process{Name: "p"})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	b.ReportAllocs()
	for n := uint64(1); b.Loop(); n++ {
		r.Deliver("room", "connection", 1, n, n)
	}
}
