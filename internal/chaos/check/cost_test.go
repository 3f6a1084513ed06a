package check

import (
	"runtime"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// large is a history of many jobs and messages that is made while it is read.
type large struct{ jobs, messages, conns int }

func (l large) Processes() []history.Process {
	return []history.Process{{Name: "n1"}, {Name: "n2", Index: 1}}
}

func (l large) Each(f func(*history.Event) error) error {
	line := int32(0)
	var at time.Duration
	emit := func(e history.Event) error {
		line++
		at += 50 * time.Microsecond
		e.At, e.Line, e.Inc = at, line, 1
		return f(&e)
	}
	list := []history.Event{{Kind: history.KindInc}, {Kind: history.KindKnows, Subject: "mail", Count: 3}, {Kind: history.KindWorkers, Count: 10}}
	conns := make([]string, l.conns)
	for i := range conns {
		conns[i] = "conn" + itoa(i)
		list = append(list, history.Event{Kind: history.KindEnterIntent, Call: uint64(i) + 1<<50, Subject: "r", Object: conns[i]}, history.Event{Kind: history.KindEnter, Call: uint64(i) + 1<<50, Outcome: history.OK, Epoch: 1})
	}
	for n := uint64(1); n <= uint64(max(l.jobs, l.messages)); n++ {
		if n <= uint64(l.jobs) {
			list = append(list,
				history.Event{Kind: history.KindEnqueueIntent, Call: 2 * n, Subject: "mail", Numbers: []uint64{n}}, history.Event{Kind: history.KindEnqueue, Call: 2 * n, Outcome: history.OK, IDs: []uint64{n}},
				history.Event{Kind: history.KindStart, Number: n, ID: n, Fence: n, Subject: "mail"},
				history.Event{Kind: history.KindFinishIntent, Call: 2*n + 1, ID: n, Fence: n, Result: history.Completed}, history.Event{Kind: history.KindFinish, Call: 2*n + 1, ID: n, Fence: n, Result: history.Completed, Outcome: history.OK})
		}
		if n <= uint64(l.messages) {
			list = append(list, history.Event{Kind: history.KindPublishIntent, Call: n + 1<<51, Subject: "r", Number: n + 1<<30}, history.Event{Kind: history.KindPublish, Call: n + 1<<51, Outcome: history.OK, Epoch: 1, Seq: n})
			for _, c := range conns {
				list = append(list, history.Event{Kind: history.KindDeliver, Subject: "r", Object: c, Epoch: 1, Seq: n, Number: n + 1<<30})
			}
		}
		for _, e := range list {
			if err := emit(e); err != nil {
				return err
			}
		}
		list = list[:0]
	}
	return nil
}

// BenchmarkCheck reports the time and the memory in use for each event: jobs have 5 events, messages 2 and 20 deliveries.
func BenchmarkCheck(b *testing.B) {
	events := 0
	for b.Loop() {
		l := large{jobs: 50_000, messages: 50_000, conns: 20}
		r, err := Run(l, Options{Partial: true})
		if err != nil || !r.OK() {
			b.Fatal(err, show(r))
		}
		events += r.Events
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}

// The index needs memory for jobs and messages, not for deliveries.
func TestMemoryIsForJobsAndMessages(t *testing.T) {
	const jobs, messages = 20_000, 20_000
	inUse := func(l large) int64 {
		w, err := newWorld(l, Options{Partial: true, MaxProofs: 1})
		if err != nil {
			t.Fatal(err)
		}
		var observers []observer
		for _, law := range laws {
			observers = append(observers, law.make(w))
		}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		if err := l.Each(func(e *history.Event) error {
			intent := w.intentOf(e)
			for i := range observers {
				if see := observers[i].see; see != nil {
					see(e, intent)
				}
			}
			w.update(e, intent)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(observers)
		return int64(after.HeapAlloc) - int64(before.HeapAlloc)
	}
	job, message, delivery := inUse(large{jobs: jobs})/jobs, inUse(large{messages: messages, conns: 1})/messages, inUse(large{messages: messages, conns: 20})/messages/20
	t.Logf("%d B a job, %d B a message, %d B a delivery to 20", job, message, delivery)
	if job > 2000 || message > 1000 || delivery > 60 {
		t.Errorf("the index needs %d B for a job, %d for a message, %d for a delivery", job, message, delivery)
	}
}
