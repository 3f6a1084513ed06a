package check

import (
	"testing"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// talk is a room with two connections and three messages at positions 5:1 to 5:3.
const talk = `
0 n1/1 inc
0 n2/2 inc
1 n1/1 enter? c=1 a=r b=x
1.1 n1/1 enter c=1 o=ok e=5
1 n2/2 enter? c=1 a=r b=y
1.1 n2/2 enter c=1 o=ok e=5
2 n1/1 pub? c=2 a=r n=1
2.1 n1/1 pub c=2 o=ok e=5 s=1
3 n2/2 pub? c=2 a=r n=2
3.1 n2/2 pub c=2 o=ok e=5 s=2
4 n1/1 pub? c=3 a=r n=3
4.1 n1/1 pub c=3 o=ok e=5 s=3
`

const heard = talk + `
2.2 n1/1 deliver a=r b=x e=5 s=1 n=1
3.2 n1/1 deliver a=r b=x e=5 s=2 n=2
4.2 n1/1 deliver a=r b=x e=5 s=3 n=3
2.2 n2/2 deliver a=r b=y e=5 s=1 n=1
3.2 n2/2 deliver a=r b=y e=5 s=2 n=2
4.2 n2/2 deliver a=r b=y e=5 s=3 n=3
`

func TestR1FindsMessagesOutOfOrder(t *testing.T) {
	t.Parallel()
	plain := talk + "5 n1/1 pub? c=5 a=p n=11\n5 n1/1 pub? c=6 a=p n=12\n5 n1/1 pub? c=7 a=p n=13\n6 c deliver a=p b=x n=11\n7 c deliver a=p b=x n=12\n8 c deliver a=p b=x n=13\n"
	failover := talk + "3.5 n1/1 deliver a=r b=x e=5 s=2 n=2\n4 ctl fault c=1 a=failover b=redis k=1\n6 ctl heal c=1\n6.1 n1/1 pub? c=8 a=r n=8\n6.2 n1/1 pub c=8 o=unknown\n"
	judge(t, "R1", []verdict{
		{name: "in order", text: heard},
		{name: "twice", text: heard + "5 n1/1 deliver a=r b=x e=5 s=3 n=3", violates: "not above its last"},
		{name: "backwards", text: talk + "4.2 n1/1 deliver a=r b=x e=5 s=3 n=3\n4.3 n1/1 deliver a=r b=x e=5 s=2 n=2", violates: "not above its last"},
		{name: "a hole is a matter of R2", text: talk + "4.2 n1/1 deliver a=r b=x e=5 s=1 n=1\n4.3 n1/1 deliver a=r b=x e=5 s=3 n=3"},
		{name: "another message at the position", text: heard + "5 n2/2 pub? c=9 a=r n=9\n6 n2/2 deliver a=r b=z e=5 s=3 n=9", violates: "different messages at one position"},
		{name: "another position than the publisher's", text: talk + "4.2 n1/1 deliver a=r b=x e=5 s=4 n=3", violates: "two positions"},
		{name: "another position, before the publisher knows", text: talk + "4.05 n1/1 deliver a=r b=x e=5 s=4 n=3", violates: "another position than Publish"},
		{name: "the position before the publisher knows", text: talk + "4.05 n1/1 deliver a=r b=x e=5 s=3 n=3"},
		{name: "never published", text: heard + "5 n1/1 deliver a=r b=x e=5 s=4 n=4", violates: "never published"},
		{name: "another room", text: heard + "5 n1/1 deliver a=q b=x e=5 s=3 n=3", violates: "another room"},
		{name: "refused", text: heard + "5 n1/1 pub? c=9 a=r n=9\n6 n1/1 pub c=9 o=refused\n7 n1/1 deliver a=r b=x e=5 s=4 n=9", violates: "was refused"},
		{name: "unknown", text: heard + "5 n1/1 pub? c=9 a=r n=9\n6 n1/1 pub c=9 o=unknown\n7 n1/1 deliver a=r b=x e=5 s=4 n=9"},
		{name: "a new epoch", text: heard + "5 n1/1 pub? c=9 a=r n=9\n7 n1/1 deliver a=r b=x e=2 s=1 n=9"},
		{name: "an epoch comes back", text: heard + "5 n1/1 pub? c=9 a=r n=9\n5 n1/1 pub? c=10 a=r n=10\n7 n1/1 deliver a=r b=x e=2 s=1 n=9\n8 n1/1 deliver a=r b=x e=5 s=9 n=10", violates: "epoch that was over"},
		{name: "recovery goes back", text: heard + "6 n1/1 resume? c=9 a=r b=x e=5 s=2\n6.1 n1/1 resume c=9 o=ok k=1\n6.2 n1/1 deliver a=r b=x e=5 s=3 n=3"},
		{name: "recovery goes back too far", text: heard + "6 n1/1 resume? c=9 a=r b=x e=5 s=2\n6.1 n1/1 resume c=9 o=ok k=1\n6.2 n1/1 deliver a=r b=x e=5 s=2 n=2", violates: "not above its last"},
		{name: "a node that was paused hears last what a failover has lost", text: talk + "3.5 n1/1 pub? c=9 a=r n=9\n4 ctl fault c=1 a=failover b=redis k=1\n4.1 ctl fault c=2 a=pause b=n2\n6 ctl heal c=1\n6.1 n1/1 pub? c=8 a=r n=8\n6.2 n1/1 deliver a=r b=x e=5 s=4 n=8\n8 ctl heal c=2\n8.1 n2/2 deliver a=r b=y e=5 s=4 n=9", excepted: "used its position again"},
		{name: "a failover uses a position again", text: failover + "7 n2/2 deliver a=r b=y e=5 s=2 n=8", excepted: "used its position again"},
		{name: "no positions", text: plain + "6 c deliver a=p b=y n=11\n7 c deliver a=p b=y n=13"},
		{name: "no positions, twice", text: plain + "9 c deliver a=p b=x n=12", violates: "twice"},
		{name: "no positions, other order", text: plain + "6 c deliver a=p b=y n=13\n7 c deliver a=p b=y n=11", violates: "no order of room p"},
		{name: "no positions, a message in doubt", text: plain + "8.5 n1/1 pub c=7 o=unknown\n6 c deliver a=p b=y n=13\n7 c deliver a=p b=y n=11"},
		{name: "delivered without a position first", text: talk + "4.05 n1/1 deliver a=r b=x n=3"},
		{name: "no positions, other room's order", text: plain + "9 n1/1 pub? c=9 a=q n=21\n9 c deliver a=q b=y n=21"},
	})
}

func TestR2FindsHolesWithoutAGap(t *testing.T) {
	t.Parallel()
	const stay = "60 c gap a=other b=z\n"
	judge(t, "R2", []verdict{
		{name: "none", text: heard + stay},
		{name: "a hole", text: talk + "2.2 n1/1 deliver a=r b=x e=5 s=1 n=1\n4.2 n1/1 deliver a=r b=x e=5 s=3 n=3\n", violates: "missing without a gap"},
		{name: "a hole that is told", text: talk + "2.2 n1/1 deliver a=r b=x e=5 s=1 n=1\n4.1 n1/1 gap a=r b=x\n4.2 n1/1 deliver a=r b=x e=5 s=3 n=3\n"},
		{name: "a gap tells one hole", text: talk + "2.1 n1/1 gap a=r b=x\n2.2 n1/1 deliver a=r b=x e=5 s=1 n=1\n4.2 n1/1 deliver a=r b=x e=5 s=3 n=3\n", violates: "missing without a gap"},
		{name: "the first is missing", text: talk + "3.2 n1/1 deliver a=r b=x e=5 s=2 n=2\n", violates: "missing without a gap"},
		{name: "Enter's position", text: heard + "5 n1/1 enter? c=9 a=r b=z\n5.1 n1/1 enter c=9 o=ok e=5 s=3\n5.2 n1/1 deliver a=r b=z e=5 s=3 n=3", violates: "at or below the position of its Enter"},
		{name: "above Enter's position", text: heard + "3.1 n1/1 enter? c=9 a=r b=z\n3.15 n1/1 enter c=9 o=ok e=5 s=2\n4.2 n1/1 deliver a=r b=z e=5 s=3 n=3\n" + stay},
		{name: "a later Enter, and a hole before its first message", text: talk + "2.2 n1/1 enter? c=8 a=r b=z\n2.3 n1/1 enter c=8 o=ok e=5 k=1\n3.4 n1/1 deliver a=r b=z e=5 s=2 n=2\n4.4 n1/1 deliver a=r b=z e=5 s=3 n=3\n4.4 n1/1 gap a=r b=x\n4.4 n2/2 gap a=r b=y\n" + stay},
		{name: "a later Enter, and a hole after its first message", text: talk + "2.2 n1/1 enter? c=8 a=r b=z\n2.3 n1/1 enter c=8 o=ok e=5 k=1\n2.4 n1/1 deliver a=r b=z e=5 s=1 n=1\n4.4 n1/1 deliver a=r b=z e=5 s=3 n=3\n", violates: "missing without a gap"},
		{name: "the tail until the nodes stop", text: talk + "55 n1/1 bye\n56 n2/2 bye\n5 n2/2 gap a=r b=y\n" + stay, violates: "x never receives the last message"},
		{name: "an Enter that is repeated", text: talk + "2.2 n1/1 enter? c=8 a=r b=x\n2.3 n1/1 enter c=8 o=ok e=5 s=1\n2.4 n1/1 deliver a=r b=x e=5 s=1 n=1\n3.4 n1/1 deliver a=r b=x e=5 s=2 n=2\n4.4 n1/1 deliver a=r b=x e=5 s=3 n=3\n4.4 n2/2 gap a=r b=y\n" + stay},
		{name: "late after leaving and entering", text: talk + "2.2 c deliver a=r b=x e=5 s=1 n=1\n2.5 n1/1 leave? c=7 a=r b=x\n2.6 n1/1 leave c=7 o=ok\n3.2 n1/1 enter? c=8 a=r b=x\n3.3 n1/1 enter c=8 o=ok e=5 s=2\n3.4 c deliver a=r b=x e=5 s=2 n=2\n4.4 c deliver a=r b=x e=5 s=3 n=3\n4.4 n2/2 gap a=r b=y\n" + stay, excepted: "arrives late"},
		{name: "a new epoch", text: heard + "7 n1/1 deliver a=r b=x e=9 s=1 n=9", violates: "new epoch without a gap"},
		{name: "a new epoch that the connection never sees", text: heard + "7 n1/1 pub? c=9 a=r n=9\n7.1 n1/1 pub c=9 o=ok e=9 s=1\n7.2 n2/2 gap a=r b=y\n" + stay, violates: "x never receives the last message"},
		{name: "a new epoch that is told", text: heard + "6 n1/1 gap a=r b=x\n7 n1/1 deliver a=r b=x e=9 s=1 n=9\n" + stay},
		{name: "a stranger", text: heard + "7 n1/1 deliver a=r b=z e=5 s=3 n=3", violates: "never entered"},
		{name: "the tail", text: talk + "2.2 n1/1 deliver a=r b=x e=5 s=1 n=1\n3.2 n1/1 deliver a=r b=x e=5 s=2 n=2\n5 n2/2 gap a=r b=y\n" + stay, violates: "x never receives the last message"},
		{name: "nothing at all", text: talk + "5 n2/2 gap a=r b=y\n" + stay, violates: "x never receives the last message"},
		{name: "the tail, and a gap", text: talk + "2.2 n1/1 deliver a=r b=x e=5 s=1 n=1\n5 n1/1 gap a=r b=x\n5 n2/2 gap a=r b=y\n" + stay},
		{name: "the tail, and it left", text: talk + "5 n1/1 leave? c=9 a=r b=x\n5.1 n1/1 leave c=9 o=ok\n5 n2/2 gap a=r b=y\n" + stay},
		{name: "the tail, and its node died", text: talk + "5 n2/2 gap a=r b=y\n5 ctl fault c=1 a=kill b=n1\n5.1 ctl heal c=1\n" + stay},
		{name: "the tail, too short", text: talk + "30 c gap a=other b=z\n"},
		{name: "the tail with a fault", text: talk + "50 ctl fault c=1 a=full b=redis\n51 ctl heal c=1\n" + stay, excepted: "no quiet phase"},
	})
}

func TestR2FindsRecoveriesThatAreNotComplete(t *testing.T) {
	t.Parallel()
	const stay = "60 c gap a=other b=z\n5 n2/2 gap a=r b=y\n"
	back := talk + "2.2 n1/1 deliver a=r b=x e=5 s=1 n=1\n"
	resume := back + "6 n1/1 resume? c=9 a=r b=x e=5 s=1\n"
	judge(t, "R2", []verdict{
		{name: "complete", text: resume + "6.1 n1/1 resume c=9 o=ok k=2\n6.2 n1/1 deliver a=r b=x e=5 s=2 n=2\n6.3 n1/1 deliver a=r b=x e=5 s=3 n=3\n" + stay},
		{name: "refused", text: resume + "6.1 n1/1 resume c=9 o=false\n" + stay},
		{name: "refused, then live", text: resume + "6.1 n1/1 resume c=9 o=false\n6.3 n1/1 deliver a=r b=x e=5 s=3 n=3\n" + stay},
		{name: "one too few", text: resume + "6.1 n1/1 resume c=9 o=ok k=1\n6.2 n1/1 deliver a=r b=x e=5 s=2 n=2\n", violates: "omits acknowledged"},
		{name: "one is skipped", text: resume + "6.1 n1/1 resume c=9 o=ok k=2\n6.3 n1/1 deliver a=r b=x e=5 s=3 n=3\n" + stay, violates: "missing without a gap"},
		{name: "they never come", text: resume + "6.1 n1/1 resume c=9 o=ok k=2\n" + stay, violates: "never receives the last"},
		{name: "one more than there are", text: resume + "6.1 n1/1 resume c=9 o=ok k=3\n6.2 n1/1 deliver a=r b=x e=5 s=2 n=2\n6.3 n1/1 deliver a=r b=x e=5 s=3 n=3\n" + stay, violates: "never come"},
		{name: "published while it resumes", text: back + "3.05 n1/1 resume? c=9 a=r b=x e=5 s=1\n3.3 n1/1 resume c=9 o=ok k=0\n3.4 n1/1 deliver a=r b=x e=5 s=2 n=2\n4.3 n1/1 deliver a=r b=x e=5 s=3 n=3\n" + stay},
	})
}

// crowd has x on n1 and y on n2 from second 1, and n1 and n2 fold news.
const crowd = `
0 n1/1 inc
0 n2/2 inc
0 n1/1 watch a=r
0 n2/2 watch a=r
1 n1/1 enter? c=1 a=r b=x
1.1 n1/1 enter c=1 o=ok e=5
1 n2/2 enter? c=1 a=r b=y
1.1 n2/2 enter c=1 o=ok e=5
1.2 n1/1 news a=r b=x k=1
1.2 n1/1 news a=r b=y k=1
1.2 n2/2 news a=r b=x k=1
`

func members(at, until, list string) string {
	return at + " n1/1 members? c=50 a=r\n" + until + " n1/1 members c=50 o=ok " + list + "\n"
}

func TestR3FindsListsThatAreNotTrue(t *testing.T) {
	t.Parallel()
	listed := crowd + "1.2 n2/2 news a=r b=y k=1\n"
	kill := listed + "5 ctl fault c=1 a=kill b=n2\n5.1 ctl heal c=1\n"
	judge(t, "R3", []verdict{
		{name: "true", text: listed + members("5", "5.1", "k=2 m=x m=y")},
		{name: "one is missing", text: listed + members("5", "5.1", "k=1 m=x"), violates: "lacks the member y"},
		{name: "one too many", text: listed + members("5", "5.1", "k=3 m=x m=y m=z"), violates: "never entered"},
		{name: "one twice", text: listed + members("5", "5.1", "k=3 m=x m=y m=y"), violates: "twice"},
		{name: "the total", text: listed + members("5", "5.1", "k=3 m=x m=y"), violates: "total is 3"},
		{name: "within the cache of peers", text: listed + members("1.5", "1.6", "k=1 m=x")},
		{name: "one enters meanwhile", text: listed + "5.05 n1/1 enter? c=8 a=r b=z\n5.06 n1/1 enter c=8 o=ok\n5.07 n1/1 news a=r b=z k=1\n" + members("5", "5.1", "k=2 m=x m=y")},
		{name: "one leaves meanwhile", text: listed + "5.05 n2/2 leave? c=8 a=r b=y\n" + members("5", "5.1", "k=1 m=x")},
		{name: "one has left", text: listed + "3 n2/2 leave? c=8 a=r b=y\n3.1 n2/2 leave c=8 o=ok\n3.2 n1/1 news a=r b=y k=-1\n" + members("5", "5.1", "k=2 m=x m=y"), violates: "has the member y"},
		{name: "a leave of unknown outcome", text: listed + "3 n2/2 leave? c=8 a=r b=y\n3.1 n2/2 leave c=8 o=unknown\n" + members("5", "5.1", "k=1 m=x")},
		{name: "a refused leave", text: listed + "3 n2/2 leave? c=8 a=r b=y\n3.1 n2/2 leave c=8 o=refused\n" + members("5", "5.1", "k=1 m=x"), violates: "lacks the member y"},
		{name: "a leave at the old node", text: listed + "3 n1/1 enter? c=8 a=r b=y\n3.1 n1/1 enter c=8 o=ok\n3.2 n2/2 leave? c=8 a=r b=y\n3.3 n2/2 leave c=8 o=absent\n" + members("5", "5.1", "k=1 m=x"), violates: "lacks the member y"},
		{name: "9.8 s after a kill", text: kill + members("14.9", "15", "k=2 m=x m=y")},
		{name: "10.1 s after a kill", text: kill + "12 n1/1 news a=r b=y k=-1\n" + members("15.2", "15.3", "k=2 m=x m=y"), violates: "has the member y"},
		{name: "right after a kill", text: kill + "12 n1/1 news a=r b=y k=-1\n" + members("15.2", "15.3", "k=1 m=x")},
		{name: "a kill without news", text: kill + members("15.2", "15.3", "k=1 m=x"), violates: "made from news has the member y"},
		{name: "news of one who is there", text: listed + "5 n1/1 news a=r b=x k=1\n", violates: "joins that is in the list"},
		{name: "news of one who left before", text: listed + "3 n2/2 leave? c=8 a=r b=y\n3.1 n2/2 leave c=8 o=ok\n3.2 n1/1 news a=r b=y k=-1\n3.3 n1/1 news a=r b=y k=-1\n", violates: "leaves that is not in the list"},
		{name: "news that a member left who is there", text: listed + "5 n1/1 news a=r b=y k=-1\n", violates: "leaves that is there"},
		{name: "the same after a pause", text: listed + "5 ctl fault c=1 a=pause b=n2\n15 ctl heal c=1\n12 n1/1 news a=r b=y k=-1\n15.1 n1/1 news a=r b=y k=1\n" + members("26", "26.1", "k=2 m=x m=y")},
		{name: "missing news", text: crowd + "5 n2/2 members? c=50 a=r\n5.1 n2/2 members c=50 o=ok k=2 m=x m=y", violates: "made from news lacks the member y"},
		{name: "missing news after Unwatch", text: crowd + "2 n2/2 watch k=-1 a=r\n5 n2/2 members? c=50 a=r\n5.1 n2/2 members c=50 o=ok k=2 m=x m=y"},
		{name: "news of a node that was away when the list was read", text: kill + "10 n1/1 watch a=r m=x\n14 n1/1 news a=r b=y k=-1\n", excepted: "omits the members"},
		{name: "a leave twice after its node was away", text: kill + "10 n1/1 watch a=r m=x\n14 n1/1 news a=r b=y k=-1\n15 n1/1 news a=r b=y k=-1\n", violates: "leaves that is not in the list"},
		{name: "after a stall of the machine", text: listed + "11 ctl sample a=stall b=n2 k=6000000000\n12 n1/1 news a=r b=y k=-1\n15.1 n1/1 news a=r b=y k=1\n"},
		{name: "missing news before a new Watch", text: crowd + "2 n2/2 watch a=r m=x m=y\n5 n2/2 members? c=50 a=r\n5.1 n2/2 members c=50 o=ok k=2 m=x m=y"},
	})
}

func TestR4FindsPresenceOfWrongForm(t *testing.T) {
	t.Parallel()
	room := func(change func(*history.Dump)) *history.Dump {
		d := &history.Dump{Nodes: map[uint64]int64{1: 100}, Rooms: []history.Room{{Name: "r", Members: map[string]uint64{"x": 1, "y": 1}, Order: []string{"x", "y"}, Counts: map[uint64]int64{1: 2}}}}
		change(d)
		return d
	}
	judge(t, "R4", []verdict{
		{name: "right", text: talk, dump: room(func(*history.Dump) {})},
		{name: "count", text: talk, dump: room(func(d *history.Dump) { d.Rooms[0].Counts[1] = 3 }), violates: "count of 1 is 3"},
		{name: "no count", text: talk, dump: room(func(d *history.Dump) { delete(d.Rooms[0].Counts, 1) }), violates: "not counted"},
		{name: "order", text: talk, dump: room(func(d *history.Dump) { d.Rooms[0].Order = []string{"x"} }), violates: "order has 1 members"},
		{name: "order of a stranger", text: talk, dump: room(func(d *history.Dump) { d.Rooms[0].Order[1] = "z" }), violates: "member z"},
		{name: "a dead node", text: talk, dump: room(func(d *history.Dump) { d.Nodes[1] = -1 }), violates: "no living node"},
		{name: "keys of the dead", text: talk, dump: room(func(d *history.Dump) { d.Dead = []history.DeadNode{{Inc: 7, Seconds: 3601, Keys: 1}} }), violates: "still has 1 keys"},
		{name: "keys of the lately dead", text: talk, dump: room(func(d *history.Dump) { d.Dead = []history.DeadNode{{Inc: 7, Seconds: 3599, Keys: 1}} })},
		{name: "keys grow", text: samples("keys", 1000, 60), violates: "keys of redis grow"},
		{name: "keys vary", text: samples("keys", 1000, 5)},
	})
}

// samples makes 20 samples that grow by step.
func samples(gauge string, from, step int) (text string) {
	for i := range 20 {
		text += itoa(i) + " ctl sample a=" + gauge + " b=redis k=" + itoa(from+i*step) + "\n"
	}
	return text
}
