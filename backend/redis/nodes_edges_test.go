//go:build unix

package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// isScript returns a function that recognizes a script, by its digest or its source.
func isScript(sc *script) func(words []string) bool {
	return func(words []string) bool {
		return len(words) > 1 && (words[1] == sc.sha || strings.HasPrefix(sc.source, words[1][:min(len(words[1]), 100)]))
	}
}

// loses returns a function for [faultproxy.Proxy.Fault] that loses all answers of a script.
func loses(sc *script) func(words []string) faultproxy.Fault {
	is := isScript(sc)
	return func(words []string) faultproxy.Fault {
		if is(words) {
			return faultproxy.LoseAnswer
		}
		return faultproxy.Pass
	}
}

// endLease makes the server see the lease of b as lapsed.
func endLease(t *testing.T, b *Backend) {
	t.Helper()
	if _, err := b.core.run(t.Context(), leaveNodesScript, b.life.key[:], b.life.incarnation(), b.life.self().ID, cleanWord(false)); err != nil {
		t.Fatal(err)
	}
}

// TestAnEnteringThatEndsLateEndsNoOther lets the lease lapse while the members are being entered after an earlier lapse.
func TestAnEnteringThatEndsLateEndsNoOther(t *testing.T) {
	t.Parallel()
	l := newLife(newCore(Config{}))
	isEntered := func() bool {
		select {
		case <-l.entered():
			return true
		default:
			return false
		}
	}
	l.joined("1", uptime())
	l.lapse()
	l.joined("2", uptime())
	l.lapse()
	l.reentered("2")
	if isEntered() {
		t.Error("members count as entered whose incarnation has lapsed")
	}
	l.joined("3", uptime())
	l.reentered("2")
	l.reentered("3")
	if !isEntered() {
		t.Error("the members do not count as entered")
	}
	l.reentered("3")
}

// TestANodeThatClosesDoesNotJoinAgain makes heartbeats come at each moment of Close.
func TestANodeThatClosesDoesNotJoinAgain(t *testing.T) {
	t.Parallel()
	server := redistest.Redis.Shared(t)
	config := at(server)
	config.Prefix = redistest.Prefix()
	for range 30 {
		b := newBackend(config)
		if err := b.Open(t.Context(), newNode()); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			for {
				select {
				case b.life.beatIt <- struct{}{}:
				case <-done:
					return
				}
			}
		}()
		err := b.Close(t.Context())
		close(done)
		if err != nil {
			t.Fatal(err)
		}
		if n := server.Do(t, "ZCOUNT", b.life.key[0], "1", "inf"); fmt.Sprint(n) != "0" {
			t.Fatalf("after Close, %v nodes are live", n)
		}
	}
}

// TestCallersDuringOpenAndCloseGetAnError calls everything of a backend while it opens and closes.
func TestCallersDuringOpenAndCloseGetAnError(t *testing.T) {
	t.Parallel()
	b := newBackend(at(redistest.Redis.Shared(t)))
	ctx, cancel := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	defer callers.Wait()
	defer cancel()
	for name, call := range map[string]func(ctx context.Context) error{
		"Members": func(ctx context.Context) error { _, _, err := b.Broker().Members(ctx, "room", 1); return err },
		"Call":    func(ctx context.Context) error { _, err := b.Cluster().Call(ctx, "other", "method", nil); return err },
		"Publish": func(ctx context.Context) error {
			_, err := b.Broker().Publish(ctx, backend.Message{Room: "room"})
			return err
		},
		"Move": func(ctx context.Context) error {
			_, err := b.Broker().Move(ctx, backend.Change{Room: "room", Member: "x"})
			return err
		},
		"Peers":  func(ctx context.Context) error { _, err := b.Cluster().Peers(ctx); return err },
		"Notify": func(ctx context.Context) error { return b.Cluster().Notify(ctx, "method", nil) },
		"Health": func(context.Context) error { return b.Health() },
		"LockWait": func(ctx context.Context) error {
			_, err := b.Store().LockWait(ctx, "lock", time.Millisecond)
			return err
		},
	} {
		callers.Go(func() {
			for ctx.Err() == nil {
				err := call(ctx)
				if err != nil && ctx.Err() == nil && !errors.Is(err, backend.ErrClosed) && !errors.Is(err, backend.ErrNoNode) && !errors.Is(err, backend.ErrUnavailable) {
					t.Errorf("%s = %v while the backend opens or closes", name, err)
				}
			}
		})
	}
	for range 5 {
		if err := b.Open(t.Context(), newNode()); err != nil {
			t.Fatal(err)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAnOpenThatFailsLeavesNoNode ends Open after its node has joined.
func TestAnOpenThatFailsLeavesNoNode(t *testing.T) {
	t.Parallel()
	server := redistest.Redis.Shared(t)
	p := faultproxy.Start(t, server.Addr)
	b := newBackend(Config{URL: "redis://" + p.Addr()})
	p.Fault(func(words []string) faultproxy.Fault {
		if isScript(nodeListScript)(words) {
			return faultproxy.LoseRequest
		}
		return faultproxy.Pass
	})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := b.Open(ctx, newNode()); err == nil {
		t.Fatal("Open succeeds without the list of nodes")
	}
	for i, key := range b.life.key[:3] {
		if n := server.Do(t, "EXISTS", key); fmt.Sprint(n) != "0" {
			t.Errorf("the key %d of the cluster is left: %v", i, server.Do(t, "TYPE", key))
		}
	}
}

// TestAJoinWithoutAnAnswerDoesNotHoldTheNextOne: the incarnation that may have joined is of the same node.
func TestAJoinWithoutAnAnswerDoesNotHoldTheNextOne(t *testing.T) {
	t.Parallel()
	p, b := throughProxy(t, redistest.Redis, Config{})
	b.life.start(newNode())
	p.Fault(loses(joinScript))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := b.life.join(ctx, "1000", nodeLease, nil); err == nil {
		t.Fatal("join succeeds without an answer")
	}
	p.Fault(nil)
	began := time.Now()
	if err := b.life.join(t.Context(), "1001", nodeLease, nil); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > nodeLease/2 {
		t.Errorf("the second join took %v, so it waited for the lease of the first one", took)
	}
	if list := listOf(t, b); list["1000"] != "lapsed" || list["1001"] != "live" {
		t.Errorf("the incarnations are %v", list)
	}
}

// listOf returns the states of the incarnations.
func listOf(t *testing.T, b *Backend) map[string]string {
	t.Helper()
	reply, err := asWords(b.core.run(t.Context(), nodeListScript, []string{b.life.key[0], b.life.key[1], b.life.key[3]}))
	if err != nil {
		t.Fatal(err)
	}
	list := make(map[string]string)
	for i := 1; i+2 < len(reply); i += 3 {
		list[reply[i]] = reply[i+1]
	}
	return list
}

// TestOneDamagedRoomHoldsUpNoOther puts a foreign value under a key of a room, and lets the node lapse.
func TestOneDamagedRoomHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	server := redistest.Redis.Shared(t)
	b, _ := openListening(t, at(server))
	enterRoom(t, b, "room", "x")
	enterRoom(t, b, "damaged", "x")
	key := b.core.key(memberKind, partition("damaged"), "damaged")
	server.Do(t, "DEL", key)
	server.Do(t, "SET", key, "foreign")
	before := b.life.incarnation()
	endLease(t, b)
	basics.Eventually(t, "the node is back, and its members in the other room", func() bool {
		return b.life.incarnation() != before && b.Health() == nil && memberCount(t, b, "room") == 1
	})
	server.Do(t, "DEL", key)
	basics.Eventually(t, "the members have entered the damaged room, too", func() bool { return memberCount(t, b, "damaged") == 1 })
}

// TestMembersWaitsNoLongerThanOtherCalls: while members are being entered again, no list is right.
func TestMembersWaitsNoLongerThanOtherCalls(t *testing.T) {
	t.Parallel()
	config := at(redistest.Redis.Shared(t))
	config.Timeout = 2 * time.Second
	b, _ := openListening(t, config)
	b.life.lapse()
	if _, _, err := b.Broker().Members(t.Context(), "room", 1); !errors.Is(err, backend.ErrUnavailable) {
		t.Errorf("Members = %v, want ErrUnavailable", err)
	}
}

// TestARefusedLeaveIsMadeLater forbids a command of the script for a while.
func TestARefusedLeaveIsMadeLater(t *testing.T) {
	t.Parallel()
	server := redistest.Redis.Start(t, redistest.Options{})
	b, _ := openListening(t, at(server))
	enterRoom(t, b, "room", "x")
	server.Do(t, "ACL", "SETUSER", "default", "-hdel")
	if _, err := b.Broker().Move(t.Context(), backend.Change{Room: "room", Member: "x", Leave: true}); err == nil {
		t.Error("Move succeeds although the server refuses it")
	}
	server.Do(t, "ACL", "SETUSER", "default", "+hdel")
	basics.Eventually(t, "the member has left", func() bool { return memberCount(t, b, "room") == 0 })
}

// TestALateCommandLeavesNoMember executes a command of the node after its room is empty.
func TestALateCommandLeavesNoMember(t *testing.T) {
	t.Parallel()
	server := redistest.Redis.Shared(t)
	p := faultproxy.Start(t, server.Addr)
	b, _ := openListening(t, Config{URL: "redis://" + p.Addr()})
	enterRoom(t, b, "room", "y")
	p.Fault(faultproxy.Nth(1, faultproxy.LoseAnswer, isScript(moveScript)))
	enterRoom(t, b, "room", "x")
	p.Fault(nil)
	r := b.broker.find("room")
	verify := func() time.Duration {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.verify
	}
	if verify() == 0 {
		t.Error("the members are not compared after a lost answer")
	}
	for _, member := range []string{"x", "y"} {
		_, err := b.Broker().Move(t.Context(), backend.Change{Room: "room", Member: member, Leave: true})
		if err != nil {
			t.Fatal(err)
		}
	}
	basics.Eventually(t, "the members have left", func() bool { return memberCount(t, b, "room") == 0 })
	late := room{broker: b.broker, session: r.session, name: r.name, partition: r.partition, keys: r.keys}
	if state, err := late.runMove(t.Context(), b.life.incarnation(), []op{{Change: backend.Change{Room: "room", Member: "late"}}}, false); err != nil || state.own != 1 {
		t.Fatal(state, err)
	}
	r.mu.Lock()
	r.verify = 1 // verifyAfter has passed
	r.mu.Unlock()
	basics.Eventually(t, "the late member is removed", func() bool { return memberCount(t, b, "room") == 0 })
}

// TestMembersWithoutALeaseAreRemoved: a failover can lose the lease of a node and keep its members, which are in another
// part of a Cluster.
func TestMembersWithoutALeaseAreRemoved(t *testing.T) {
	t.Parallel()
	server := redistest.Redis.Shared(t)
	b, _ := openListening(t, at(server))
	enterRoom(t, b, "room", "x")
	r := b.broker.find("room")
	if _, err := r.runMove(t.Context(), "1234", []op{{Change: backend.Change{Room: "room", Member: "lost"}}}, false); err != nil {
		t.Fatal(err)
	}
	if n := memberCount(t, b, "room"); n != 1 {
		t.Errorf("the room has %d members, want 1 of a live node", n)
	}
	basics.Eventually(t, "the member is removed", func() bool { return fmt.Sprint(server.Do(t, "HLEN", r.keys[2])) == "1" })
	basics.Eventually(t, "its incarnation is forgotten", func() bool { return len(listOf(t, b)) == 1 })

	before := b.life.incarnation()
	server.Do(t, "ZREM", b.life.key[0], before)
	basics.Eventually(t, "the node has joined again", func() bool { return b.life.incarnation() != before && b.Health() == nil })
	basics.Eventually(t, "its earlier incarnation is forgotten", func() bool {
		list := listOf(t, b)
		return len(list) == 1 && list[b.life.incarnation()] == "live"
	})
	if n := memberCount(t, b, "room"); n != 1 {
		t.Errorf("the room has %d members, want 1", n)
	}
}

// TestANodeJoinsAFullServerAgain lets a node lapse while the memory is full.
func TestANodeJoinsAFullServerAgain(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		server := f.Start(t, redistest.Options{})
		b, _ := openListening(t, at(server))
		enterRoom(t, b, "room", "x")
		server.Do(t, "CONFIG", "SET", "maxmemory", "1")
		before := b.life.incarnation()
		endLease(t, b)
		basics.Eventually(t, "the node is back with its member", func() bool {
			return b.life.incarnation() != before && b.Health() == nil && memberCount(t, b, "room") == 1
		})
	})
}

// TestAMessageThatAnAbsentNodeMissesIsAGap cuts a node off until its members are removed. The message then finds an empty room.
func TestAMessageThatAnAbsentNodeMissesIsAGap(t *testing.T) {
	t.Parallel()
	server := redistest.Redis.Shared(t)
	p := faultproxy.Start(t, server.Addr)
	prefix := redistest.Prefix()
	absent, heard := openListening(t, Config{URL: "redis://" + p.Addr(), Prefix: prefix})
	other, _ := openListening(t, Config{Port: server.Port, Prefix: prefix})
	enterRoom(t, absent, "room", "x")
	say(t, absent, "room", "0")
	basics.Eventually(t, "the message arrives", func() bool { return len(heard.heard("room")) == 1 })
	p.Cut()
	before := absent.life.incarnation()
	if _, err := other.core.run(t.Context(), leaveNodesScript, other.life.key[:], before, "", cleanWord(false)); err != nil {
		t.Fatal(err)
	}
	basics.Eventually(t, "the room is empty", func() bool {
		return other.broker.cleanNode(t.Context(), before, "") && memberCount(t, other, "room") == 0
	})
	say(t, other, "room", "1")
	p.Heal()
	basics.Eventually(t, "the node is back", func() bool { return memberCount(t, other, "room") == 1 })
	basics.Eventually(t, "the gap is reported", func() bool { return heard.gap("room") > 0 })
	if list := heard.heard("room"); slices.Contains(list, "1") {
		t.Errorf("the node was cut off and has heard %q", list)
	}
}

// TestARefusedMemberDoesNotTakeALaterOneAway: the server refuses an enter, and the same member has entered again meanwhile.
func TestARefusedMemberDoesNotTakeALaterOneAway(t *testing.T) {
	t.Parallel()
	for name, later := range map[string][]op{
		"enters again":       {{Change: backend.Change{Member: "x"}}},
		"leaves and enters":  {{Change: backend.Change{Member: "x", Leave: true}}, {Change: backend.Change{Member: "x"}, isNew: true}},
		"another one enters": {{Change: backend.Change{Member: "y"}, isNew: true}},
	} {
		r := chainRoom()
		r.members = map[string]string{"x": ""}
		r.ops = later
		first := op{Change: backend.Change{Member: "x"}, isNew: true, wait: newMoveWait(1, 1)}
		r.revert(&first)
		if _, ok := r.members["x"]; ok != (name != "another one enters") {
			t.Errorf("%s: the member is there: %t", name, ok)
		}
		if name == "enters again" && !r.ops[0].isNew {
			t.Errorf("%s: if that is refused, too, the member stays", name)
		}
	}
}

// TestMessagesThatWaitForAPositionAreBounded lets messages arrive before the room knows its position.
func TestMessagesThatWaitForAPositionAreBounded(t *testing.T) {
	t.Parallel()
	r := chainRoom()
	body := strings.Repeat("x", maxQueueBytes/10)
	for i := range uint32(20) {
		r.message(wire(position(7, uint64(i)+1, i+1), i) + body)
	}
	if r.heldBytes > maxQueueBytes || len(r.held) > 10 {
		t.Errorf("%d messages with %d bytes wait, want at most %d bytes", len(r.held), r.heldBytes, maxQueueBytes)
	}
	r.begin(position(7, 0, 0))
	if n := len(r.queue); n < 5 || !r.queue[n-1].gap {
		t.Errorf("%d deliveries, want messages and a gap", n)
	}
}

// TestDetailsBelongToTheCaller changes the details after a Move that the server has not answered.
func TestDetailsBelongToTheCaller(t *testing.T) {
	t.Parallel()
	p := faultproxy.Start(t, redistest.Redis.Shared(t).Addr)
	b, _ := openListening(t, Config{URL: "redis://" + p.Addr()})
	details := []byte(`{"n":1}`)
	p.Cut()
	if _, err := b.Broker().Move(t.Context(), backend.Change{Room: "room", Member: "x", Details: details}); err != nil {
		t.Fatal(err)
	}
	copy(details, `{"n":2}`)
	p.Heal()
	basics.Eventually(t, "the member has entered with its details", func() bool {
		members, _, err := b.Broker().Members(t.Context(), "room", 1)
		if len(members) == 0 {
			return false
		}
		if text := string(members[0].Details); err != nil || text != `{"n":1}` {
			t.Fatalf("the details are %s, %v", text, err)
		}
		return true
	})
}
