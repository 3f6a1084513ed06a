package check

import (
	"fmt"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

const locked = `
1 n1/1 lock? c=1 a=k t=10s
1.1 n1/1 lock c=1 o=ok f=5
`

func TestS1FindsLocksThatDoNotExclude(t *testing.T) {
	t.Parallel()
	unlocked := locked + "3 n1/1 unlock? c=2 a=k f=5\n3.1 n1/1 unlock c=2 o=ok\n"
	judge(t, "S1", []verdict{
		{name: "in turn", text: unlocked + "2 n2/2 lock? c=1 a=k t=10s\n3.05 n2/2 lock c=1 o=ok f=6"},
		{name: "two holders", text: locked + "2 n2/2 lock? c=1 a=k t=10s\n3 n2/2 lock c=1 o=ok f=6", violates: "two holders at a time"},
		{name: "after its end", text: locked + "11 n2/2 lock? c=1 a=k t=10s\n11.1 n2/2 lock c=1 o=ok f=6"},
		{name: "before its end", text: locked + "10.5 n2/2 lock? c=1 a=k t=10s\n10.9 n2/2 lock c=1 o=ok f=6", violates: "two holders at a time"},
		{name: "another key", text: locked + "2 n2/2 lock? c=1 a=other t=10s\n3 n2/2 lock c=1 o=ok f=1"},
		{name: "another app", text: locked + "2 o1/9 lock? c=1 a=k t=10s\n3 o1/9 lock c=1 o=ok f=1"},
		{name: "the fence falls", text: unlocked + "4 n2/2 lock? c=1 a=k t=10s\n5 n2/2 lock c=1 o=ok f=4", violates: "does not rise"},
		{name: "the fence stays", text: unlocked + "4 n2/2 lock? c=1 a=k t=10s\n5 n2/2 lock c=1 o=ok f=5", violates: "does not rise"},
		{name: "the fence of a Lock that began before", text: "0.9 n2/2 lock? c=1 a=k t=50ms\n" + unlocked + "3.2 n2/2 lock c=1 o=ok f=4"},
		{name: "one fence, answers overlap", text: "0.9 n2/2 lock? c=1 a=k t=50ms\n1.05 n2/2 lock c=1 o=ok f=5\n" + locked, violates: "one fence"},
		{name: "refused", text: locked + "2 n2/2 lock? c=1 a=k t=10s\n3 n2/2 lock c=1 o=refused"},
		{name: "failover", text: locked + "1.5 ctl fault c=1 a=failover b=redis k=1\n1.9 ctl heal c=1\n2 n2/2 lock? c=1 a=k t=10s\n3 n2/2 lock c=1 o=ok f=6", excepted: "two holders"},
		{name: "step", text: locked + "1.5 ctl fault c=1 a=step b=redis t=1h\n1.9 ctl heal c=1\n2 n2/2 lock? c=1 a=k t=10s\n3 n2/2 lock c=1 o=ok f=6", excepted: "two holders"},
		{name: "step before the answer", text: "1.05 ctl fault c=1 a=step b=redis t=1h\n1.06 ctl heal c=1\n" + locked + "2 n2/2 lock? c=1 a=k t=10s\n3 n2/2 lock c=1 o=ok f=6", excepted: "two holders"},
		{name: "step before the call", text: "0.95 ctl fault c=1 a=step b=redis t=1h\n0.96 ctl heal c=1\n" + locked + "2 n2/2 lock? c=1 a=k t=10s\n3 n2/2 lock c=1 o=ok f=6", violates: "two holders"},
		{name: "an outage is no excuse", text: locked + "1.5 ctl fault c=1 a=redis-pause b=redis\n1.9 ctl heal c=1\n2 n2/2 lock? c=1 a=k t=10s\n3 n2/2 lock c=1 o=ok f=6", violates: "two holders"},
	})
}

func TestS1FindsValuesOlderThanAnInvalidation(t *testing.T) {
	t.Parallel()
	set := "1 n1/1 set? c=1 a=k n=1\n1.1 n1/1 set c=1 o=ok\n"
	deleted := set + "2 n2/2 inv? c=1 a=k\n2.1 n2/2 inv c=1 o=ok\n"
	get := func(at, until, number string) string {
		return at + " n1/1 get? c=7 a=k\n" + until + " n1/1 get c=7 o=ok n=" + number + "\n"
	}
	judge(t, "S1", []verdict{
		{name: "there", text: set + get("3", "3.1", "1")},
		{name: "after the delete", text: deleted + get("3", "3.1", "1"), violates: "older than an invalidation"},
		{name: "during the delete", text: deleted + get("2.05", "3.1", "1")},
		{name: "set during the delete", text: "1 n1/1 set? c=1 a=k n=1\n2.05 n1/1 set c=1 o=ok\n2 n2/2 inv? c=1 a=k\n2.1 n2/2 inv c=1 o=ok\n" + get("3", "3.1", "1")},
		{name: "set with unknown outcome", text: "1 n1/1 set? c=1 a=k n=1\n1.1 n1/1 set c=1 o=unknown\n2 n2/2 inv? c=1 a=k\n2.1 n2/2 inv c=1 o=ok\n" + get("3", "3.1", "1")},
		{name: "overwritten", text: set + "2 n2/2 set? c=1 a=k n=2\n2.1 n2/2 set c=1 o=ok\n" + get("3", "3.1", "1"), violates: "older than an invalidation"},
		{name: "the newer", text: set + "2 n2/2 set? c=1 a=k n=2\n2.1 n2/2 set c=1 o=ok\n" + get("3", "3.1", "2")},
		{name: "loaded before", text: "1 n1/1 load a=k n=1\n2 n2/2 inv? c=1 a=k\n2.1 n2/2 inv c=1 o=ok\n" + get("3", "3.1", "1"), violates: "older than an invalidation"},
		{name: "loaded before, read before", text: "1 n1/1 load a=k n=1\n2 n2/2 inv? c=1 a=k\n2.1 n2/2 inv c=1 o=ok\n" + get("1.9", "3.1", "1")},
		{name: "loaded meanwhile", text: "2.05 n1/1 load a=k n=1\n2 n2/2 inv? c=1 a=k\n2.1 n2/2 inv c=1 o=ok\n" + get("3", "3.1", "1")},
		{name: "cleared", text: set + "2 n2/2 inv? c=1\n2.1 n2/2 inv c=1 o=ok\n" + get("3", "3.1", "1"), violates: "older than an invalidation"},
		{name: "cleared in another app", text: set + "2 o1/9 inv? c=1\n2.1 o1/9 inv c=1 o=ok\n" + get("3", "3.1", "1")},
		{name: "a value of another key", text: set + "3 n1/1 get? c=7 a=other\n3.1 n1/1 get c=7 o=ok n=1", violates: "never written under its key"},
		{name: "a value of nowhere", text: set + get("3", "3.1", "9"), violates: "never written"},
		{name: "a deaf connection", text: deleted + "1.5 ctl fault c=1 a=half-open b=n1\n3.5 ctl heal c=1\n" + get("3", "3.1", "1"), excepted: "was deaf"},
		{name: "a deaf connection of another node", text: deleted + "1.5 ctl fault c=1 a=half-open b=n2\n3.5 ctl heal c=1\n" + get("3", "3.1", "1"), violates: "older than"},
		{name: "deaf for too long", text: deleted + "1.5 ctl fault c=1 a=half-open b=n1\n30 ctl heal c=1\n" + get("15", "15.1", "1"), violates: "older than"},
		{name: "failover lost it", text: deleted + "3 ctl fault c=1 a=failover b=redis k=1\n4 ctl heal c=1\n" + get("5", "5.1", "1"), excepted: "lost an invalidation"},
	})
}

func TestA1FindsAppsThatMix(t *testing.T) {
	t.Parallel()
	other := fmt.Sprint(uint64(1)<<56 | 7)
	canary := "1 ctl sample a=canaries b=1 k=10\n2 n1/1 inv? c=1\n2.1 n1/1 inv c=1 o=ok\n"
	judge(t, "A1", []verdict{
		{name: "own numbers", text: heard + "1 o1/9 deliver a=r b=z n=" + other},
		{name: "a delivery", text: heard + "1 n1/1 deliver a=r b=z n=" + other, violates: "number of another app"},
		{name: "a start", text: prelude + "1 n1/1 start n=" + other + " id=1 f=1 a=mail", violates: "number of another app"},
		{name: "a read", text: prelude + "1 n1/1 get? c=1 a=k\n2 n1/1 get c=1 o=ok n=" + other, violates: "number of another app"},
		{name: "a batch", text: prelude + "1 n1/1 enq? c=1 a=mail ns=1," + other, violates: "number of another app"},
		{name: "the store", text: heard, dump: dumpOf(history.Job{Number: 1<<56 | 7}), violates: "store of app 0"},
		{name: "Clear keeps the other's keys", text: canary + "3 ctl sample a=canaries b=1 k=10"},
		{name: "Clear removes the other's keys", text: canary + "3 ctl sample a=canaries b=1 k=9", violates: "has lost keys"},
	})
}

func TestG1FindsGrowth(t *testing.T) {
	t.Parallel()
	judge(t, "G1", []verdict{
		{name: "idle", text: "1 ctl sample a=idle b=n1 k=1999"},
		{name: "not idle", text: "1 ctl sample a=idle b=n1 k=2001", violates: "2001 commands"},
		{name: "goroutines grow", text: samples("goroutines", 50, 5), violates: "goroutines of redis grow"},
		{name: "goroutines vary", text: samples("goroutines", 50, 1)},
		{name: "memory grows", text: samples("memory", 10<<20, 3<<20), violates: "memory of redis grow"},
		{name: "connections grow", text: samples("connections", 3, 1), violates: "connections of redis grow"},
		{name: "connections are flat", text: samples("connections", 3, 0)},
	})
}

func TestT10FindsQueuesOfWrongForm(t *testing.T) {
	t.Parallel()
	shard := func(change func(*history.Shard)) *history.Dump {
		s := history.Shard{
			Name: "t0",
			Jobs: []history.Job{
				{ID: 1, Number: 11, Task: "mail", State: "ready"}, {ID: 2, Number: 12, Task: "mail", State: "due"},
				{ID: 3, Number: 13, Task: "mail", State: "running", Inc: 7}, {ID: 4, Number: 14, Task: "mail", State: "completed"},
			},
			Details: map[uint64]uint64{1: 11, 2: 12, 3: 13, 4: 14},
			Ready:   []uint64{1}, Due: []uint64{2}, Running: map[uint64]uint64{3: 7}, Ended: []uint64{4},
			Hold: map[uint64]int64{7: 100}, Unique: map[string]uint64{"u": 1, "v": 4}, Until: map[string]int64{"v": 9},
			Counts: map[string]int64{"mail/ready": 1, "mail/due": 1, "mail/running": 1, "mail/completed": 1, "mail/dead": 0},
		}
		change(&s)
		return &history.Dump{Shards: []history.Shard{s}}
	}
	judge(t, "T10", []verdict{
		{name: "right", text: talk, dump: shard(func(*history.Shard) {})},
		{name: "in no set", text: talk, dump: shard(func(s *history.Shard) { s.Ready = nil }), violates: "job 1 is ready and stands in []"},
		{name: "in two sets", text: talk, dump: shard(func(s *history.Shard) { s.Due = append(s.Due, 1) }), violates: "stands in [due r]"},
		{name: "twice in a set", text: talk, dump: shard(func(s *history.Shard) { s.Ended = append(s.Ended, 4) }), violates: "stands in [fin fin]"},
		{name: "in the wrong set", text: talk, dump: shard(func(s *history.Shard) {
			s.Jobs[0].State = "dead"
			s.Counts = map[string]int64{"mail/dead": 1, "mail/due": 1, "mail/running": 1, "mail/completed": 1}
		}), violates: "job"},
		{name: "an unknown state", text: talk, dump: shard(func(s *history.Shard) {
			s.Jobs[1].State = "odd"
			delete(s.Counts, "mail/due")
			s.Counts["mail/odd"] = 1
		}), violates: `state "odd"`},
		{name: "no record", text: talk, dump: shard(func(s *history.Shard) { s.Ready = append(s.Ready, 9) }), violates: "id 9 stands in [r]"},
		{name: "no details", text: talk, dump: shard(func(s *history.Shard) { delete(s.Details, 2) }), violates: "details of number 0"},
		{name: "details of another", text: talk, dump: shard(func(s *history.Shard) { s.Details[2] = 99 }), violates: "details of number 99"},
		{name: "details left over", text: talk, dump: shard(func(s *history.Shard) { s.Details[9] = 9 }), violates: "details and no record"},
		{name: "two records", text: talk, dump: shard(func(s *history.Shard) { s.Jobs = append(s.Jobs, s.Jobs[3]); s.Counts["mail/completed"] = 2 }), violates: "two records"},
		{name: "unique points to the dead", text: talk, dump: shard(func(s *history.Shard) { s.Unique["w"] = 4 }), violates: "unique key w"},
		{name: "unique points nowhere", text: talk, dump: shard(func(s *history.Shard) { s.Unique["w"] = 99 }), violates: "unique key w"},
		{name: "a time without a job", text: talk, dump: shard(func(s *history.Shard) { s.Until["w"] = 99 }), violates: "has a time and no job"},
		{name: "a count", text: talk, dump: shard(func(s *history.Shard) { s.Counts["mail/ready"] = 2 }), violates: "count of mail/ready is 2"},
		{name: "no count", text: talk, dump: shard(func(s *history.Shard) { delete(s.Counts, "mail/due") }), violates: "are not counted"},
		{name: "no lease", text: talk, dump: shard(func(s *history.Shard) { delete(s.Hold, 7) }), violates: "no lease"},
		{name: "another incarnation", text: talk, dump: shard(func(s *history.Shard) { s.Running[3] = 8; s.Hold[8] = 1 }), violates: "belongs to 7"},
		{name: "a foreign key", text: talk, dump: func() *history.Dump { d := shard(func(*history.Shard) {}); d.Foreign = []string{"P:odd"}; return d }(), violates: "P:odd"},
	})
}

func TestARunThatProvesNothingFails(t *testing.T) {
	t.Parallel()
	const bye = "70 n1/1 bye\n70 n2/2 bye\n"
	full := completed + heard + "10 ctl fault c=1 a=full b=redis\n11 ctl heal c=1\n"
	for _, c := range []struct{ name, text, want string }{
		{"all", full + bye, ""},
		{"empty", "", "no starts"},
		{"no starts", heard + "10 ctl fault c=1 a=full b=redis\n11 ctl heal c=1\n" + bye, "no starts"},
		{"no ends", running + heard + "10 ctl fault c=1 a=full b=redis\n11 ctl heal c=1\n" + bye, "no stored ends"},
		{"no deliveries", completed + "10 ctl fault c=1 a=full b=redis\n11 ctl heal c=1\n" + bye, "no deliveries"},
		{"no faults", completed + heard + bye, "no faults"},
		{"a fault is never healed", full + bye + "12 ctl fault c=2 a=cut b=n1\n", "never healed"},
		{"a node ends on its own", full + "70 n2/2 bye\n", "node n1 ended without"},
		{"a node is killed", full + "60 ctl fault c=2 a=kill b=n1\n61 ctl heal c=2\n70 n2/2 bye\n", ""},
		{"a dead node writes", full + "60 ctl fault c=2 a=kill b=n1\n61 ctl heal c=2\n62 n1/1 gap a=r b=x\n70 n2/2 bye\n", "writes after its death"},
	} {
		r, err := Run(written(t, c.text), Options{Laws: []string{"RUN"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := show(r); r.OK() != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: want %q: %s", c.name, c.want, got)
		}
	}
}

func TestLawsThatNeedADumpFailWithoutOne(t *testing.T) {
	t.Parallel()
	r, err := Run(written(t, completed), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, law := range []string{"T1", "T10", "R4"} {
		if r.Count[law] == 0 {
			t.Errorf("%s passes without a dump", law)
		}
	}
}

func TestFaultsOfUnknownProcessesAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1 ctl fault c=1 a=kill b=n9", "1 ctl heal c=1"} {
		if _, err := Run(written(t, text), Options{}); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	if _, err := Run(written(t, ""), Options{Laws: []string{"T99"}}); err == nil {
		t.Error("the law T99 is accepted")
	}
}
