package check

import (
	"testing"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

const enqueued = prelude + `
1 n1/1 enq? c=1 a=mail ns=1
1.1 n1/1 enq c=1 o=ok ids=101
`

// running is a job with a run on n1 from second 2.
const running = enqueued + `
2 n1/1 start n=1 id=101 f=10 a=mail s=1
`

const completed = running + `
3 n1/1 fin? c=2 id=101 f=10 r=completed
3.1 n1/1 fin c=2 id=101 f=10 r=completed o=ok
`

// lossy is a failover that can lose what was acknowledged between seconds 2.5 and 8.
const lossy = `
5 ctl fault c=1 a=failover b=redis k=1
8 ctl heal c=1
`

const killed1 = `
6 ctl fault c=2 a=kill b=n1
6.1 ctl heal c=2
`

func dumpOf(jobs ...history.Job) *history.Dump {
	return &history.Dump{Shards: []history.Shard{{Name: "t0", Jobs: jobs}}}
}

func TestT1FindsAcknowledgedJobsWithoutAnEnd(t *testing.T) {
	t.Parallel()
	unknownEnd := running + "3 n1/1 fin? c=2 id=101 f=10 r=completed\n4 n1/1 fin c=2 id=101 f=10 r=completed o=unknown\n"
	judge(t, "T1", []verdict{
		{name: "completed", text: completed},
		{name: "never started", text: enqueued, violates: "no end and no record"},
		{name: "never finished", text: running, violates: "no end and no record"},
		{name: "ready at the end", text: enqueued, dump: dumpOf(history.Job{ID: 101, Number: 1, State: "ready"}), violates: "is ready in the store"},
		{name: "completed in the store without a run", text: enqueued, dump: dumpOf(history.Job{ID: 101, Number: 1, State: "completed"}), violates: "is completed in the store"},
		{name: "cancelled in the store without a Cancel", text: enqueued, dump: dumpOf(history.Job{ID: 101, Number: 1, State: "cancelled"}), violates: "is cancelled in the store"},
		{name: "dead in the store without crashes", text: enqueued, dump: dumpOf(history.Job{ID: 101, Number: 1, State: "dead", Crashes: 2}), violates: "is dead in the store"},
		{name: "retry only", text: running + "3 n1/1 fin? c=2 id=101 f=10 r=retry\n3.1 n1/1 fin c=2 id=101 f=10 r=retry o=ok", violates: "no end"},
		{name: "lost run only", text: running + "3 n1/1 fin? c=2 id=101 f=10 r=completed\n3.1 n1/1 fin c=2 id=101 f=10 r=completed o=lost", excepted: "dropped the record"},
		{name: "already", text: unknownEnd + "5 n1/1 fin? c=3 id=101 f=10 r=completed\n5.1 n1/1 fin c=3 id=101 f=10 r=completed o=already"},
		{name: "unknown, and in the store", text: unknownEnd, dump: dumpOf(history.Job{ID: 101, Number: 1, State: "completed"}), excepted: "the store has it"},
		{name: "unknown, and dropped", text: unknownEnd, excepted: "dropped the record"},
		{name: "unknown, and running in the store", text: unknownEnd, dump: dumpOf(history.Job{ID: 101, Number: 1, State: "running"}), violates: "is running"},
		{name: "dead with a result", text: running + "3 n1/1 fin? c=2 id=101 f=10 r=dead\n3.1 n1/1 fin c=2 id=101 f=10 r=dead o=ok"},
		{name: "cancelled while it waits", text: enqueued + "2 n2/2 cancel? c=1 n=1 id=101\n2.1 n2/2 cancel c=1 n=1 id=101 o=ok r=cancelled"},
		{name: "cancelled while it runs", text: running + "2.1 n2/2 cancel? c=1 n=1 id=101\n2.2 n2/2 cancel c=1 n=1 id=101 o=ok r=running f=10\n3 n1/1 fin? c=2 id=101 f=10 r=retry\n3.1 n1/1 fin c=2 id=101 f=10 r=retry o=ok"},
		{name: "dead by crashes", text: running, dump: dumpOf(history.Job{ID: 101, Number: 1, State: "dead", Crashes: 3}), excepted: "T8 judges"},
		{name: "dead by its last crash, and dropped", text: enqueued + "2 n1/1 start n=1 id=101 f=10 a=mail k=2" + killed1, excepted: "crashed for the last time"},
		{name: "one crash is left", text: enqueued + "2 n1/1 start n=1 id=101 f=10 a=mail k=1" + killed1, violates: "no end and no record"},
		{name: "outcome unknown", text: prelude + "1 n1/1 enq? c=1 a=mail ns=1\n2 n1/1 enq c=1 o=unknown"},
		{name: "no outcome", text: prelude + "1 n1/1 enq? c=1 a=mail ns=1"},
		{name: "refused", text: prelude + "1 n1/1 enq? c=1 a=mail ns=1\n2 n1/1 enq c=1 o=refused"},
		{name: "the rest of a part was refused", text: prelude + "1 n1/1 enq? c=1 a=mail ns=1,2\n2 n1/1 enq c=1 o=ok ids=0"},
		{name: "failover alone", text: prelude + "3 n1/1 enq? c=1 a=mail ns=1\n3.1 n1/1 enq c=1 o=ok ids=101" + lossy, violates: "no end and no record"},
		{name: "failover and kill", text: prelude + "3 n1/1 enq? c=1 a=mail ns=1\n3.1 n1/1 enq c=1 o=ok ids=101" + lossy + killed1, excepted: "together with its node"},
		{name: "failover and kill of another node", text: prelude + "3 n2/2 enq? c=1 a=mail ns=1\n3.1 n2/2 enq c=1 o=ok ids=101" + lossy + killed1, violates: "no end and no record"},
		{name: "failover long after", text: enqueued + "20 ctl fault c=1 a=failover b=redis k=1\n22 ctl heal c=1\n23 ctl fault c=2 a=kill b=n1\n23.1 ctl heal c=2", violates: "no end and no record"},
		{name: "a tick that was won", text: prelude + "1 n1/1 tick? c=1 n=1 a=hourly b=mail t=5s\n1.1 n1/1 tick c=1 o=won id=101", violates: "no end"},
		{name: "a tick that was not won", text: prelude + "1 n1/1 tick? c=1 n=1 a=hourly b=mail t=5s\n1.1 n1/1 tick c=1 o=not"},
	})
}

func TestT2FindsStartsAfterTheEnd(t *testing.T) {
	t.Parallel()
	late := running + `
3 ctl fault c=1 a=pause b=n1
20 ctl heal c=1
14 n2/2 start n=1 id=101 f=30 a=mail s=2
15 n2/2 fin? c=2 id=101 f=30 r=completed
15.1 n2/2 fin c=2 id=101 f=30 r=completed o=ok
`
	judge(t, "T2", []verdict{
		{name: "again", text: completed + "20 n2/2 start n=1 id=101 f=11 a=mail", violates: "after its end was recorded"},
		{name: "again after already", text: running + "3 n1/1 fin? c=2 id=101 f=10 r=completed\n3.1 n1/1 fin c=2 id=101 f=10 r=completed o=already\n20 n2/2 start n=1 id=101 f=11 a=mail", violates: "after its end"},
		{name: "again after dead", text: running + "3 n1/1 fin? c=2 id=101 f=10 r=dead\n3.1 n1/1 fin c=2 id=101 f=10 r=dead o=ok\n20 n2/2 start n=1 id=101 f=11 a=mail", violates: "after its end"},
		{name: "before the end was stored", text: running + "3 n1/1 fin? c=2 id=101 f=10 r=completed\n3.05 n2/2 start n=1 id=101 f=11 a=mail\n3.1 n1/1 fin c=2 id=101 f=10 r=completed o=lost"},
		{name: "after an unknown end", text: running + "3 n1/1 fin? c=2 id=101 f=10 r=completed\n3.1 n1/1 fin c=2 id=101 f=10 r=completed o=unknown\n20 n2/2 start n=1 id=101 f=11 a=mail"},
		{name: "after a retry", text: running + "3 n1/1 fin? c=2 id=101 f=10 r=retry\n3.1 n1/1 fin c=2 id=101 f=10 r=retry o=ok\n20 n2/2 start n=1 id=101 f=11 a=mail"},
		{name: "a stopped process records its start late", text: late + "20.1 n1/1 start n=1 id=101 f=20 a=mail", excepted: "recorded late"},
		{name: "a lower fence and no pause", text: completed + "20 n2/2 start n=1 id=101 f=9 a=mail", violates: "never stopped"},
		{name: "failover lost the end, its node lives", text: completed + lossy + "20 n2/2 start n=1 id=101 f=11 a=mail", violates: "after its end"},
		{name: "failover lost the end with its node", text: completed + lossy + killed1 + "20 n2/2 start n=1 id=101 f=11 a=mail", excepted: "together with its node"},
		{name: "failover lost the end, its node paused for long", text: completed + lossy + "7 ctl fault c=9 a=pause b=n1\n25 ctl heal c=9\n20 n2/2 start n=1 id=101 f=11 a=mail", excepted: "together with its node"},
		{name: "failover lost the end, its node was away when servers settled", text: completed + lossy + "7 ctl fault c=9 a=pause b=n1\n9 ctl heal c=9\n20 n2/2 start n=1 id=101 f=11 a=mail", excepted: "together with its node"},
		{name: "failover lost the end, its node paused before", text: completed + lossy + "6 ctl fault c=9 a=pause b=n1\n7 ctl heal c=9\n20 n2/2 start n=1 id=101 f=11 a=mail", violates: "after its end"},
	})
}

func TestT3FindsFencesThatDoNotRise(t *testing.T) {
	t.Parallel()
	judge(t, "T3", []verdict{
		{name: "rising", text: running + "20 n2/2 start n=1 id=101 f=11 a=mail"},
		{name: "lower", text: running + "20 n2/2 start n=1 id=101 f=9 a=mail", violates: "lower fence"},
		{name: "the same run twice", text: running + "2.1 n1/1 start n=1 id=101 f=10 a=mail", violates: "starts twice"},
		{name: "the same run on another node", text: running + "20 n2/2 start n=1 id=101 f=10 a=mail", violates: "starts twice"},
		{name: "the same fence of another job", text: running + "20 n2/2 start n=2 id=102 f=10 a=mail"},
		{name: "late start of a stopped process", text: running + "1.9 ctl fault c=1 a=pause b=n2\n20 ctl heal c=1\n20.1 n2/2 start n=1 id=101 f=9 a=mail", excepted: "recorded late"},
		{name: "late start, and the pause was long before", text: running + "30 n2/2 start n=1 id=101 f=20 a=mail\n0.1 ctl fault c=1 a=pause b=n1\n0.2 ctl heal c=1\n40 n1/1 start n=1 id=101 f=19 a=mail", violates: "lower fence"},
		{name: "an old run is stored", text: running + "20 n2/2 start n=1 id=101 f=11 a=mail\n21 n1/1 fin? c=2 id=101 f=10 r=completed\n22 n1/1 fin c=2 id=101 f=10 r=completed o=ok", violates: "although a later run has started"},
		{name: "an old run is lost", text: running + "20 n2/2 start n=1 id=101 f=11 a=mail\n21 n1/1 fin? c=2 id=101 f=10 r=completed\n22 n1/1 fin c=2 id=101 f=10 r=completed o=lost"},
		{name: "an old run was stored before", text: running + "20 n2/2 start n=1 id=101 f=11 a=mail\n21 n1/1 fin? c=2 id=101 f=10 r=retry\n22 n1/1 fin c=2 id=101 f=10 r=retry o=already"},
		{name: "stored while the later run starts", text: running + "19 n1/1 fin? c=2 id=101 f=10 r=retry\n20 n2/2 start n=1 id=101 f=11 a=mail\n22 n1/1 fin c=2 id=101 f=10 r=retry o=ok"},
		{name: "failover and a step", text: enqueued + "3 n1/1 start n=1 id=101 f=10 a=mail" + lossy + "6 ctl fault c=3 a=step b=redis t=-1h\n7 ctl heal c=3\n20 n2/2 start n=1 id=101 f=9 a=mail", excepted: "clock was behind"},
		{name: "failover without a step", text: enqueued + "3 n1/1 start n=1 id=101 f=10 a=mail" + lossy + "20 n2/2 start n=1 id=101 f=9 a=mail", violates: "lower fence"},
		{name: "failover lost the later run", text: running + "4 n2/2 start n=1 id=101 f=11 a=mail" + lossy + "9 n1/1 fin? c=2 id=101 f=10 r=completed\n9.1 n1/1 fin c=2 id=101 f=10 r=completed o=ok", excepted: "lost a later run"},
	})
}

func TestT4FindsStartsDuringALiveRun(t *testing.T) {
	t.Parallel()
	pulsed := running + "5 n1/1 pulse t=5s\n"
	judge(t, "T4", []verdict{
		{name: "fresh pulse", text: pulsed + "11.9 n2/2 start n=1 id=101 f=11 a=mail", violates: "6.9s before"},
		{name: "old pulse", text: pulsed + "12.1 n2/2 start n=1 id=101 f=11 a=mail"},
		{name: "the pulse was sent long before its answer", text: running + "11 n1/1 pulse t=3s\n12 n2/2 start n=1 id=101 f=11 a=mail"},
		{name: "the same node", text: pulsed + "8 n1/1 start n=1 id=101 f=11 a=mail", violates: "3s before"},
		{name: "after an outcome", text: pulsed + "6 n1/1 fin? c=2 id=101 f=10 r=retry\n6.1 n2/2 start n=1 id=101 f=11 a=mail"},
		{name: "killed", text: pulsed + killed1 + "8 n2/2 start n=1 id=101 f=11 a=mail"},
		{name: "paused with a fresh pulse", text: pulsed + "5.5 ctl fault c=1 a=pause b=n1\n20 ctl heal c=1\n11 n2/2 start n=1 id=101 f=11 a=mail", violates: "6s before"},
		{name: "a pulse of the next incarnation", text: running + "9 n1/1 lease-lost\n9 n1/9 inc\n10 n1/9 pulse t=10s\n11 n2/2 start n=1 id=101 f=11 a=mail"},
		{name: "an outage is no time", text: pulsed + "6 ctl fault c=1 a=redis-pause b=redis\n26 ctl heal c=1\n31 n2/2 start n=1 id=101 f=11 a=mail", violates: "6s before"},
		{name: "an outage of one of two servers", text: pulsed + "6 ctl fault c=1 a=redis-pause b=one\n26 ctl heal c=1\n27 ctl fault c=2 a=redis-pause b=two\n28 ctl heal c=2\n31 n2/2 start n=1 id=101 f=11 a=mail", excepted: "one of several servers"},
		{name: "an outage that ends early for nodes", text: pulsed + "6 ctl fault c=1 a=busy b=redis\n11 ctl heal c=1\n8 n2/2 pulse t=8s\n8.9 n2/2 pulse t=8.9s\n9.8 n2/2 pulse t=9.8s\n10.7 n2/2 pulse t=10.7s\n11.4 n2/2 pulse t=11.4s\n14.1 n2/2 start n=1 id=101 f=11 a=mail"},
		{name: "an outage that ends early for nodes, too early", text: pulsed + "6 ctl fault c=1 a=busy b=redis\n11 ctl heal c=1\n8 n2/2 pulse t=8s\n8.9 n2/2 pulse t=8.9s\n9.8 n2/2 pulse t=9.8s\n10.7 n2/2 pulse t=10.7s\n11.4 n2/2 pulse t=11.4s\n13.9 n2/2 start n=1 id=101 f=11 a=mail", violates: "6.9s before"},
		{name: "after an outage and enough time", text: pulsed + "6 ctl fault c=1 a=redis-pause b=redis\n26 ctl heal c=1\n32.1 n2/2 start n=1 id=101 f=11 a=mail"},
		{name: "two outages that overlap are one time", text: pulsed + "6 ctl fault c=1 a=redis-pause b=redis\n26 ctl heal c=1\n10 ctl fault c=2 a=busy b=redis\n20 ctl heal c=2\n29 n2/2 start n=1 id=101 f=11 a=mail", violates: "4s before"},
		{name: "one step", text: pulsed + "6 ctl fault c=1 a=step b=redis t=1h\n6.1 ctl heal c=1\n11.9 n2/2 start n=1 id=101 f=11 a=mail", violates: "6.9s"},
		{name: "two steps", text: pulsed + "6 ctl fault c=1 a=step b=redis t=1h\n6.1 ctl heal c=1\n8 ctl fault c=2 a=step b=redis t=1h\n8.1 ctl heal c=2\n10.5 n2/2 start n=1 id=101 f=11 a=mail", excepted: "several jumps"},
		{name: "two steps and too early", text: pulsed + "6 ctl fault c=1 a=step b=redis t=1h\n6.1 ctl heal c=1\n8 ctl fault c=2 a=step b=redis t=1h\n8.1 ctl heal c=2\n9.5 n2/2 start n=1 id=101 f=11 a=mail", violates: "4.5s"},
		{name: "failover lost the run, its node was cut off", text: enqueued + "3 n1/1 start n=1 id=101 f=10 a=mail\n4.9 n1/1 pulse t=4.9s" + lossy + "5 ctl fault c=7 a=cut b=n1\n30 ctl heal c=7\n14 n2/2 start n=1 id=101 f=11 a=mail", excepted: "could not tell"},
	})
}

func TestT5FindsWhatFaultsOfServersCost(t *testing.T) {
	t.Parallel()
	outage := running + "3 ctl fault c=1 a=redis-restart b=redis k=1\n23 ctl heal c=1\n"
	judge(t, "T5", []verdict{
		{name: "once", text: outage + "24 n1/1 fin? c=2 id=101 f=10 r=completed\n24.1 n1/1 fin c=2 id=101 f=10 r=completed o=ok"},
		{name: "again after a retry", text: outage + "24 n1/1 fin? c=2 id=101 f=10 r=retry\n24.1 n1/1 fin c=2 id=101 f=10 r=retry o=ok\n25 n2/2 start n=1 id=101 f=11 a=mail"},
		{name: "again without an outcome", text: outage + "35 n2/2 start n=1 id=101 f=11 a=mail", violates: "starts again although"},
		{name: "again after completed, answer lost", text: outage + "24 n1/1 fin? c=2 id=101 f=10 r=completed\n25 n1/1 fin c=2 id=101 f=10 r=completed o=unknown\n35 n2/2 start n=1 id=101 f=11 a=mail", violates: "its run is completed"},
		{name: "lost", text: outage + "24 n1/1 fin? c=2 id=101 f=10 r=completed\n24.1 n1/1 fin c=2 id=101 f=10 r=completed o=lost", violates: "a run is lost"},
		{name: "lost after an answer that was lost", text: outage + "22 n1/1 fin? c=2 id=101 f=10 r=retry\n23 n1/1 fin c=2 id=101 f=10 r=retry o=unknown\n23.1 n2/2 start n=1 id=101 f=11 a=mail\n24 n1/1 fin? c=3 id=101 f=10 r=retry\n24.1 n1/1 fin c=3 id=101 f=10 r=retry o=lost", excepted: "came after a later run"},
		{name: "lost before a later run", text: outage + "22 n1/1 fin? c=2 id=101 f=10 r=retry\n23 n1/1 fin c=2 id=101 f=10 r=retry o=unknown\n24 n1/1 fin? c=3 id=101 f=10 r=retry\n24.1 n1/1 fin c=3 id=101 f=10 r=retry o=lost", violates: "a run is lost"},
		{name: "absent", text: outage + "24 n1/1 fin? c=2 id=101 f=10 r=completed\n24.1 n1/1 fin c=2 id=101 f=10 r=completed o=absent", violates: "a run is lost"},
		{name: "a crash", text: enqueued + "3 ctl fault c=1 a=failover b=redis k=1\n5 ctl heal c=1\n20 n2/2 start n=1 id=101 f=11 a=mail s=1 k=1", violates: "has crashed"},
		{name: "a crash with a kill", text: enqueued + killed1 + "20 n2/2 start n=1 id=101 f=11 a=mail s=1 k=1"},
		{name: "again after a kill", text: running + killed1 + "17 n2/2 start n=1 id=101 f=11 a=mail"},
		{name: "again after a kill of another node", text: running + "6 ctl fault c=2 a=kill b=n2\n6.1 ctl heal c=2\n17 n3/3 start n=1 id=101 f=11 a=mail", violates: "starts again although"},
		{name: "lost after a pause", text: running + "3 ctl fault c=1 a=pause b=n1\n23 ctl heal c=1\n24 n1/1 fin? c=2 id=101 f=10 r=completed\n24.1 n1/1 fin c=2 id=101 f=10 r=completed o=lost"},
		{name: "lost after a cut", text: running + "3 ctl fault c=1 a=half-open b=n1\n23 ctl heal c=1\n24 n1/1 fin? c=2 id=101 f=10 r=completed\n24.1 n1/1 fin c=2 id=101 f=10 r=completed o=lost"},
		{name: "lost after a closed connection", text: running + "3 ctl fault c=1 a=client-kill b=n1\n3.1 ctl heal c=1\n24 n1/1 fin? c=2 id=101 f=10 r=completed\n24.1 n1/1 fin c=2 id=101 f=10 r=completed o=lost", violates: "a run is lost"},
	})
}

// ticking makes events, so that time passes.
func ticking(until int) (text string) {
	for s := range until {
		for _, tenth := range []string{"0", "2", "4", "6", "8"} {
			text += itoa(s) + "." + tenth + " c gap a=r b=x\n"
		}
	}
	return text
}

func TestT6FindsOrphansThatWait(t *testing.T) {
	t.Parallel()
	orphaned := running + killed1 + ticking(40)
	full := ""
	for i, n := range []string{"11", "12", "13", "14"} {
		full += "3 n2/2 start n=" + n + " id=2" + n + " f=" + itoa(100+i) + " a=mail\n"
	}
	judge(t, "T6", []verdict{
		{name: "after 11.8 s", text: orphaned + "17.9 n2/2 start n=1 id=101 f=11 a=mail"},
		{name: "after 12.6 s", text: orphaned + "18.7 n2/2 start n=1 id=101 f=11 a=mail", violates: "within 12 s"},
		{name: "never", text: orphaned, violates: "within 12 s"},
		{name: "no other worker", text: running + killed1 + "7 ctl fault c=3 a=kill b=n2\n7.1 ctl heal c=3\n" + ticking(40)},
		{name: "stalls are subtracted", text: orphaned + "10 ctl sample a=stall b=n3 k=900000000\n18.7 n2/2 start n=1 id=101 f=11 a=mail"},
		{name: "no free worker", text: orphaned + full},
		{name: "a worker becomes free", text: orphaned + full + "20 n2/2 fin? c=2 id=211 f=100 r=completed", violates: "within 12 s"},
		{name: "no worker that knows it", text: "0 n1/1 inc\n0 n1/1 knows a=rare k=3\n0 n1/1 workers k=4\n0 n2/2 inc\n0 n2/2 workers k=4\n2 n1/1 start n=1 id=101 f=10 a=rare\n" + killed1 + ticking(40)},
		{name: "outages are subtracted", text: orphaned + "8 ctl fault c=5 a=redis-pause b=redis\n18 ctl heal c=5\n28 n2/2 start n=1 id=101 f=11 a=mail"},
		{name: "outages are subtracted once", text: orphaned + "8 ctl fault c=5 a=redis-pause b=redis\n18 ctl heal c=5\n31.5 n2/2 start n=1 id=101 f=11 a=mail", violates: "within 12 s"},
		{name: "it had asked to finish", text: orphaned + "5.9 n1/1 fin? c=2 id=101 f=10 r=completed"},
		{name: "cancelled", text: orphaned + "7 n2/2 cancel? c=3 n=1 id=101"},
		{name: "dead by crashes", text: orphaned, dump: dumpOf(history.Job{ID: 101, Number: 1, State: "dead"}), excepted: "T8 judges"},
		{name: "dead by its last crash, and dropped", text: enqueued + "2 n1/1 start n=1 id=101 f=10 a=mail k=2" + killed1 + ticking(40), excepted: "T8 judges"},
		{name: "one crash is left", text: enqueued + "2 n1/1 start n=1 id=101 f=10 a=mail k=1" + killed1 + ticking(40), violates: "within 12 s"},
		{name: "failover lost the run with its node", text: prelude + "4 n1/1 enq? c=1 a=mail ns=1\n4.1 n1/1 enq c=1 o=ok ids=101\n4.2 n1/1 start n=1 id=101 f=10 a=mail" + lossy + killed1 + ticking(40), excepted: "together with its node"},
	})
}

func TestT6FindsExclusiveRunsThatOverlap(t *testing.T) {
	t.Parallel()
	alone := prelude + "1 n1/1 enq? c=1 a=solo ns=1\n1.1 n1/1 enq c=1 o=ok ids=101\n2 n1/1 start n=1 id=101 f=10 a=solo\n3 n1/1 pulse t=3s\n4 ctl fault c=1 a=cut b=n1\n30 ctl heal c=1\n"
	judge(t, "T6", []verdict{
		{name: "ctx ended", text: alone + "10 n1/1 ctx-end id=101 f=10 b=lost\n14 n2/2 start n=1 id=101 f=11 a=solo"},
		{name: "ctx not ended", text: alone + "14 n2/2 start n=1 id=101 f=11 a=solo", violates: "before the context"},
		{name: "ctx ended too late", text: alone + "14 n2/2 start n=1 id=101 f=11 a=solo\n14.1 n1/1 ctx-end id=101 f=10 b=lost", violates: "before the context"},
		{name: "stopped", text: alone + "5 ctl fault c=2 a=pause b=n1\n20 ctl heal c=2\n14 n2/2 start n=1 id=101 f=11 a=solo", excepted: "was stopped"},
		{name: "stopped long before", text: alone + "1 ctl fault c=2 a=pause b=n1\n2 ctl heal c=2\n14 n2/2 start n=1 id=101 f=11 a=solo", violates: "before the context"},
		{name: "killed", text: alone + killed1 + "14 n2/2 start n=1 id=101 f=11 a=solo"},
		{name: "not exclusive", text: running + "14 n2/2 start n=1 id=101 f=11 a=mail"},
		{name: "finished", text: alone + "3.5 n1/1 fin? c=2 id=101 f=10 r=retry\n14 n2/2 start n=1 id=101 f=11 a=solo"},
	})
}

func TestT7FindsNumbersWithoutOneJob(t *testing.T) {
	t.Parallel()
	judge(t, "T7", []verdict{
		{name: "one", text: completed},
		{name: "a tick whose caller asked again after a lost answer", text: prelude + "1 n1/1 tick? c=1 n=1 a=hourly b=mail t=1s\n1.5 n2/2 start n=1 id=101 f=11 a=mail\n4 n1/1 tick c=1 o=not\n", dump: dumpOf(history.Job{ID: 101, Number: 1, State: "completed"})},
		{name: "a tick that was refused", text: prelude + "1 n1/1 tick? c=1 n=1 a=hourly b=mail t=1s\n1.1 n1/1 tick c=1 o=refused\n4 n2/2 start n=1 id=101 f=11 a=mail\n", violates: "was refused"},
		{name: "two ids", text: completed + "20 n2/2 start n=1 id=102 f=11 a=mail", violates: "two jobs"},
		{name: "two numbers", text: running + "1 n2/2 enq? c=1 a=mail ns=2\n20 n2/2 start n=2 id=101 f=11 a=mail", violates: "two numbers"},
		{name: "two numbers acknowledged", text: running + "1 n2/2 enq? c=1 a=mail ns=2\n2.5 n2/2 enq c=1 o=ok ids=101", violates: "two numbers"},
		{name: "never enqueued", text: prelude + "1 n1/1 start n=1 id=101 f=1 a=mail", violates: "never enqueued"},
		{name: "before it was enqueued", text: "0.5 n1/1 start n=1 id=101 f=1 a=mail" + enqueued, violates: "never enqueued"},
		{name: "refused", text: prelude + "1 n1/1 enq? c=1 a=mail ns=1\n2 n1/1 enq c=1 o=refused\n3 n1/1 start n=1 id=101 f=1 a=mail", violates: "was refused"},
		{name: "unknown, started", text: prelude + "1 n1/1 enq? c=1 a=mail ns=1\n2 n1/1 enq c=1 o=unknown\n30 n1/1 start n=1 id=101 f=1 a=mail"},
		{name: "unknown, started twice under two ids", text: prelude + "1 n1/1 enq? c=1 a=mail ns=1\n2 n1/1 enq c=1 o=unknown\n30 n1/1 start n=1 id=101 f=1 a=mail\n40 n1/1 start n=1 id=102 f=1 a=mail", violates: "two jobs"},
		{name: "unique key existed", text: prelude + "1 n1/1 enq? c=1 a=mail ns=1\n2 n1/1 enq c=1 o=ok ids=0\n3 n1/1 start n=1 id=101 f=1 a=mail", violates: "was refused"},
		{name: "sent again after a failover", text: prelude + "1 n1/1 enq? c=1 a=mail ns=1\n2 ctl fault c=9 a=failover b=redis k=1\n4 ctl heal c=9\n2.1 n2/2 start n=1 id=101 f=1 a=mail\n5 n1/1 enq c=1 o=ok ids=102\n6 n2/2 start n=1 id=102 f=2 a=mail", excepted: "sent again"},
		{name: "the store has two", text: completed, dump: dumpOf(history.Job{ID: 101, Number: 1}, history.Job{ID: 102, Number: 1}), violates: "job"},
		{name: "the store has a stranger", text: completed, dump: dumpOf(history.Job{ID: 102, Number: 2}), violates: "never enqueued"},
		{name: "the store has another id", text: completed, dump: dumpOf(history.Job{ID: 102, Number: 1}), violates: "another job"},
		{name: "the store has it", text: completed, dump: dumpOf(history.Job{ID: 101, Number: 1})},
	})
}

func TestT8FindsTicksThatAreNotOneJob(t *testing.T) {
	t.Parallel()
	won := prelude + "0 ctl clock t=1000s\n1 n1/1 tick? c=1 n=1 a=hourly b=mail t=1005s\n1.1 n1/1 tick c=1 o=won id=101\n1 n2/2 tick? c=1 n=2 a=hourly b=mail t=1005s\n"
	lost := won + "1.2 n2/2 tick c=1 o=not\n"
	judge(t, "T8", []verdict{
		{name: "won once", text: lost + "5 n1/1 start n=1 id=101 f=1 a=mail"},
		{name: "won twice", text: won + "1.2 n2/2 tick c=1 o=won id=102", violates: "won twice"},
		{name: "two jobs", text: lost + "5 n1/1 start n=1 id=101 f=1 a=mail\n5.1 n1/1 start n=2 id=102 f=1 a=mail", violates: "two jobs"},
		{name: "two times", text: lost + "60 n1/1 tick? c=3 n=3 a=hourly b=mail t=1065s\n61 n1/1 tick c=3 o=won id=103\n5 n1/1 start n=1 id=101 f=1 a=mail\n65 n1/1 start n=3 id=103 f=1 a=mail"},
		{name: "a tick starts again after a retry", text: lost + "5 n1/1 start n=1 id=101 f=1 a=mail\n5.1 n1/1 start n=1 id=101 f=2 a=mail"},
		{name: "too early", text: lost + "4.9 n1/1 start n=1 id=101 f=1 a=mail", violates: "100ms before"},
		{name: "in the millisecond", text: lost + "4.999 n1/1 start n=1 id=101 f=1 a=mail"},
		{name: "early, and the clock was set ahead and back", text: lost + "2 ctl fault c=1 a=step b=redis t=1h\n2.1 ctl clock t=4600s\n2.2 ctl heal c=1\n3 ctl fault c=2 a=step b=redis t=-1h\n3.1 ctl clock t=1000s\n3.2 ctl heal c=2\n3.5 n1/1 start n=1 id=101 f=1 a=mail"},
		{name: "early after the clock was set back", text: lost + "2 ctl fault c=1 a=step b=redis t=-1h\n2.1 ctl clock t=-2600s\n2.2 ctl heal c=1\n100 n1/1 start n=1 id=101 f=1 a=mail", violates: "before its time"},
		{name: "nobody won", text: prelude + "1 n1/1 tick? c=1 n=1 a=hourly b=mail t=5s\n1.1 n1/1 tick c=1 o=not", violates: "has no job"},
		{name: "the winner does not know it", text: prelude + "1 n1/1 tick? c=1 n=1 a=hourly b=mail t=5s\n1.1 n1/1 tick c=1 o=not\n1 n2/2 tick? c=1 n=2 a=hourly b=mail t=5s\n1.1 n2/2 tick c=1 o=unknown"},
		{name: "the winner died", text: prelude + "1 n1/1 tick? c=1 n=1 a=hourly b=mail t=5s\n1.1 n1/1 tick c=1 o=not\n1 n2/2 tick? c=1 n=2 a=hourly b=mail t=5s"},
		{name: "a later tick was before", text: prelude + "0.5 n1/1 tick? c=9 n=9 a=hourly b=mail t=10s\n0.6 n1/1 tick c=9 o=won\n1 n1/1 tick? c=1 n=1 a=hourly b=mail t=5s\n1.1 n1/1 tick c=1 o=not"},
		{name: "failover and kill of the winner", text: prelude + "3 n1/1 tick? c=1 n=1 a=hourly b=mail t=5s\n3.1 n1/1 tick c=1 o=won" + lossy + killed1 + "9 n2/2 tick? c=1 n=2 a=hourly b=mail t=5s\n9.1 n2/2 tick c=1 o=won", excepted: "together with the node"},
		{name: "failover alone", text: prelude + "3 n1/1 tick? c=1 n=1 a=hourly b=mail t=5s\n3.1 n1/1 tick c=1 o=won" + lossy + "9 n2/2 tick? c=1 n=2 a=hourly b=mail t=5s\n9.1 n2/2 tick c=1 o=won", violates: "won twice"},
	})
}

func TestT8FindsDeadJobsWithoutDeaths(t *testing.T) {
	t.Parallel()
	dead := dumpOf(history.Job{ID: 101, Number: 1, State: "dead", Crashes: 3})
	kill := func(call, at, node string) string {
		return at + " ctl fault c=" + call + " a=kill b=" + node + "\n" + at + ".1 ctl heal c=" + call + "\n"
	}
	second := kill("2", "6", "n1") + "17 n2/2 start n=1 id=101 f=11 a=mail\n" + kill("3", "20", "n2")
	judge(t, "T8", []verdict{
		{name: "three kills", text: running + second + "31 n3/3 start n=1 id=101 f=12 a=mail\n" + kill("4", "32", "n3"), dump: dead},
		{name: "two kills", text: running + second + "31 n3/3 start n=1 id=101 f=12 a=mail\n", dump: dead, violates: "fewer deaths"},
		{name: "two kills and one of another node", text: running + second + "31 n3/3 start n=1 id=101 f=12 a=mail\n" + kill("4", "32", "o1"), dump: dead, violates: "fewer deaths"},
		{name: "a kill between Take and start", text: running + second + kill("4", "35", "n3"), dump: dead},
		{name: "a pause", text: running + second + "31 n3/3 start n=1 id=101 f=12 a=mail\n32 ctl fault c=4 a=pause b=n3\n60 ctl heal c=4\n", dump: dead, excepted: "pauses or cuts"},
		{name: "dead by its result", text: running + "3 n1/1 fin? c=2 id=101 f=10 r=dead\n", dump: dead},
	})
}

func TestT9FindsCancelledJobsThatStart(t *testing.T) {
	t.Parallel()
	cancelled := running + "3 n2/2 cancel? c=1 n=1 id=101\n3.1 n2/2 cancel c=1 n=1 id=101 o=ok r=running f=10\n"
	waiting := enqueued + "3 n2/2 cancel? c=1 n=1 id=101\n3.1 n2/2 cancel c=1 n=1 id=101 o=ok r=cancelled\n"
	judge(t, "T9", []verdict{
		{name: "the run goes on", text: cancelled},
		{name: "again", text: cancelled + "20 n2/2 start n=1 id=101 f=11 a=mail", violates: "a cancelled job starts"},
		{name: "the start of the cancelled run is late", text: enqueued + "3 n2/2 cancel? c=1 n=1 id=101\n3.1 n2/2 cancel c=1 n=1 id=101 o=ok r=running f=10\n3.2 n1/1 start n=1 id=101 f=10 a=mail"},
		{name: "cancelled while it waited", text: waiting + "20 n2/2 start n=1 id=101 f=11 a=mail", violates: "a cancelled job starts"},
		{name: "not cancelled for certain", text: running + "3 n2/2 cancel? c=1 n=1 id=101\n3.1 n2/2 cancel c=1 n=1 id=101 o=unknown\n20 n2/2 start n=1 id=101 f=11 a=mail"},
		{name: "failover lost the Cancel", text: cancelled + lossy + "20 n2/2 start n=1 id=101 f=11 a=mail", excepted: "lost the Cancel"},
	})
}

func TestT9FindsTasksThatWaitOrRunOnStrangers(t *testing.T) {
	t.Parallel()
	rare := prelude + "1 n1/1 enq? c=1 a=rare ns=1\n1.1 n1/1 enq c=1 o=ok ids=101\n"
	comes := rare + "10 n3/3 inc\n10 n3/3 knows a=rare k=3\n10 n3/3 workers k=2\n" + ticking(20)
	judge(t, "T9", []verdict{
		{name: "a stranger", text: rare + "5 n1/1 start n=1 id=101 f=1 a=rare", violates: "does not know"},
		{name: "a stranger that learns it later", text: rare + "5 n1/1 start n=1 id=101 f=1 a=rare\n6 n1/1 knows a=rare k=3", violates: "does not know"},
		{name: "at once", text: comes + "11.9 n3/3 start n=1 id=101 f=1 a=rare"},
		{name: "too late", text: comes + "12.5 n3/3 start n=1 id=101 f=1 a=rare", violates: "wait for more than 2 s"},
		{name: "never", text: comes, violates: "wait for more than 2 s"},
		{name: "the node dies at once", text: comes + "11 ctl fault c=1 a=kill b=n3\n11.1 ctl heal c=1"},
		{name: "servers are away", text: comes + "10.1 ctl fault c=1 a=busy b=redis\n17 ctl heal c=1"},
		{name: "nothing waits", text: "10 n3/3 inc\n10 n3/3 knows a=rare k=3\n10 n3/3 workers k=2\n" + ticking(20)},
		{name: "failover lost them", text: rare + "1.5 ctl fault c=1 a=failover b=redis k=1\n3 ctl heal c=1\n10 n3/3 inc\n10 n3/3 knows a=rare k=3\n10 n3/3 workers k=2\n" + ticking(20)},
	})
}
