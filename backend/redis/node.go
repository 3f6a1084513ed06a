package redis

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// The kinds of the keys of the cluster. All of them are in one partition, with an empty name.
const (
	leaseKind  = "n"  // leases of the nodes, by incarnation
	recordKind = "ni" // records of the nodes, by incarnation
	idKind     = "nd" // incarnations by id
	metaKind   = "nm" // the guarded clock, and the version of the list of nodes
	countKind  = "ct" // counters
)

const (
	nodeLease    = 6 * time.Second // after the last heartbeat
	beatInterval = 2 * time.Second
)

var (
	joinScript       = newScript("node_join", repeatable)
	beatScript       = newScript("node_beat", repeatable)
	nodeListScript   = newScript("node_list", repeatable)
	leaveNodesScript = newScript("node_leave", repeatable)
	orphanScript     = newScript("node_orphan", repeatable)
)

// life is the life of this node in the cluster. The node has a lease, which heartbeats renew. While it has the lease, it
// has one incarnation, a random number: members, calls and leases belong to it and not to the id of the node. If the lease
// has lapsed, for example because the process was paused, the node draws another incarnation and enters its members again.
type life struct {
	core   *core
	node   atomic.Pointer[backend.Node]
	inc    atomic.Pointer[string]
	beaten atomic.Int64  // when the last heartbeat that renewed the lease was sent, as uptime
	unsure atomic.Bool   // a command of this incarnation may arrive later, or some of its members remain
	beatIt chan struct{} // receives a value when a heartbeat should come at once
	key    [4]string     // of leases, records, ids, meta

	mu       sync.Mutex
	joining  []string      // incarnations whose join has been sent and not answered
	entering string        // the incarnation with which the members are being entered; empty: none
	ready    chan struct{} // closed while all members have been entered with the current incarnation
}

func newLife(c *core) *life {
	l := &life{core: c, beatIt: make(chan struct{}, 1)}
	for i, kind := range [...]string{leaseKind, recordKind, idKind, metaKind} {
		l.key[i] = l.core.clusterKey(kind)
	}
	l.start(backend.Node{})
	return l
}

// start begins the life of a node, before join.
func (l *life) start(node backend.Node) {
	l.node.Store(&node)
	l.setInc("")
	l.unsure.Store(false)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.joining, l.entering, l.ready = nil, "", make(chan struct{})
	close(l.ready)
}

// self returns this node.
func (l *life) self() *backend.Node { return l.node.Load() }

// newInc returns a new incarnation. Its 52 bits are exact in a number of Lua.
func newInc() string { return strconv.FormatUint(1<<51|rand.Uint64()>>13, 10) }

// incarnation returns the current incarnation.
func (l *life) incarnation() string { return *l.inc.Load() }

func (l *life) setInc(inc string) { l.inc.Store(&inc) }

// clusterKey returns a key of the cluster.
func (c *core) clusterKey(kind string) string { return c.key(kind, partition("nodes"), "") }

// patience returns the time for which a start waits for another node with the same id: at least until the lease of a node
// that was killed has certainly ended.
func (c *Config) patience() time.Duration {
	if c.Wait < 0 {
		return math.MaxInt64
	}
	return max(c.Wait, 2*nodeLease)
}

// join adds the node to the cluster, in place of the incarnation that it had before. If another node has the id, join
// waits until the lease of that node has ended, and fails with [backend.ErrNodeInUse] after the time patience, or once ctx
// ends. It calls wait, unless that is nil, before it waits.
func (l *life) join(ctx context.Context, inc string, patience time.Duration, wait func()) error {
	self, begun := l.self(), uptime()
	args := append([]string{inc, self.ID, encodeNode(*self), micros(nodeLease)}, l.begin(inc)...)
	for held := false; ; held = true {
		sent := uptime()
		reply, err := asWords(l.core.run(ctx, joinScript, l.key[:], append(args, "")...))
		switch {
		case err != nil && held && ended(ctx) != nil:
			return fmt.Errorf("the id %.64q: %w: %w", self.ID, backend.ErrNodeInUse, ended(ctx))
		case err != nil:
			return fmt.Errorf("joining the cluster: %w", err)
		case reply[0] == "ok":
			l.joined(inc, sent)
			return nil
		case len(reply) != 2:
			return errReply
		}
		left, err := strconv.ParseInt(reply[1], 10, 64)
		if err != nil {
			return err
		}
		if !held && wait != nil {
			wait()
		}
		// The clock of the leases advances by 2 s for each call at most.
		pause(ctx, min(time.Duration(left)*time.Microsecond+time.Millisecond, time.Second))
		if ctx.Err() != nil {
			return fmt.Errorf("the id %.64q: %w: %w", self.ID, backend.ErrNodeInUse, ctx.Err())
		}
		if uptime()-begun > patience {
			return fmt.Errorf("the id %.64q: %w", self.ID, backend.ErrNodeInUse)
		}
	}
}

// begin notes that the join of the incarnation inc will be sent. It returns the earlier incarnations.
func (l *life) begin(inc string) (earlier []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if earlier = slices.Clone(l.joining); l.incarnation() != "" {
		earlier = append(earlier, l.incarnation())
	}
	l.joining = append(l.joining, inc)
	return earlier
}

// joined notes that the node is in the cluster with the incarnation inc, since a time of uptime.
func (l *life) joined(inc string, since time.Duration) {
	l.beaten.Store(int64(since))
	l.setInc(inc)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.joining = nil
	select {
	case <-l.ready:
	default:
		l.entering = inc
	}
}

// beat renews the lease. It returns false if the lease has lapsed, and the version of the list of nodes.
func (l *life) beat(ctx context.Context) (live bool, version string, lapsed int, err error) {
	ctx, cancel := context.WithTimeout(ctx, beatInterval)
	defer cancel()
	began, sent := time.Now(), uptime()
	reply, err := asWords(l.core.run(ctx, beatScript, []string{l.key[0], l.key[3]}, l.incarnation(), micros(nodeLease), ""))
	if err != nil {
		return false, "", 0, err
	}
	if len(reply) != 4 {
		return false, "", 0, errReply
	}
	l.compareClock(began, reply[3])
	if live = reply[0] == "ok"; live {
		l.beaten.Store(int64(sent))
	}
	lapsed, err = strconv.Atoi(reply[2])
	return live, reply[1], lapsed, err
}

// compareClock compares the clocks, unless the answer to the heartbeat took so long that the difference would be inexact.
func (l *life) compareClock(sent time.Time, answer string) {
	s, err1 := l.core.current()
	server, err2 := strconv.ParseInt(answer, 10, 64)
	if err1 == nil && err2 == nil && time.Since(sent) < beatInterval/4 {
		s.compareClock(sent, server)
	}
}

// leave takes the node off the list, or marks it as lapsed if some of its members may remain. An incarnation that has
// joined without an answer leaves, too, and it has no members.
func (l *life) leave(ctx context.Context, clean bool) error {
	l.mu.Lock()
	joining := slices.Clone(l.joining)
	l.mu.Unlock()
	var errs []error
	for _, inc := range joining {
		errs = append(errs, l.leaveAs(ctx, inc, true))
	}
	return errors.Join(append(errs, l.leaveAs(ctx, l.incarnation(), clean))...)
}

func (l *life) leaveAs(ctx context.Context, inc string, clean bool) error {
	if inc == "" {
		return nil
	}
	_, err := asInt(l.core.run(ctx, leaveNodesScript, l.key[:], inc, l.self().ID, cleanWord(clean)))
	return err
}

func cleanWord(clean bool) string {
	if clean {
		return "clean"
	}
	return "lapsed"
}

// silence returns the time since the last heartbeat was sent that the server has answered.
func (l *life) silence() time.Duration { return uptime() - time.Duration(l.beaten.Load()) }

// healthy returns an error if the lease may have ended.
func (l *life) healthy() error {
	if silent := l.silence(); silent > nodeLease {
		return fmt.Errorf("the server has not answered a heartbeat for %v: %w", silent.Round(time.Second), errUnavailable)
	}
	select {
	case <-l.entered():
		return nil
	default:
		return fmt.Errorf("the members of this node are being entered again: %w", errUnavailable)
	}
}

// entered returns a channel that is closed while all members of this node have been entered.
func (l *life) entered() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ready
}

// lapse notes that the members have to be entered again. An earlier entering counts no more, even if it ends only now.
func (l *life) lapse() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entering = ""
	select {
	case <-l.ready:
		l.ready = make(chan struct{})
	default: // since an earlier call
	}
}

// reentered notes that all members have been entered with the incarnation inc.
func (l *life) reentered(inc string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.entering == inc {
		l.entering = ""
		close(l.ready)
	}
}

// encodeNode returns the record of a node: the lengths of id and start, these, the tag, and the details.
func encodeNode(n backend.Node) string {
	started, _ := n.Started.MarshalBinary() // fails only for zones that have no offset in minutes
	b := binary.AppendUvarint(nil, uint64(len(n.ID)))
	b = append(b, n.ID...)
	b = binary.AppendUvarint(b, uint64(len(started)))
	b = append(b, started...)
	b = binary.AppendUvarint(b, uint64(n.Tag))
	return string(append(b, n.Details...))
}

var errNodeRecord = errors.New("the record of a node is damaged, or a later version has written it")

func decodeNode(record string) (n backend.Node, err error) {
	r := bytes.NewReader([]byte(record))
	text := func() []byte {
		length, err1 := binary.ReadUvarint(r)
		if err1 != nil || length > uint64(r.Len()) {
			err = errNodeRecord
			return nil
		}
		out := make([]byte, length)
		_, _ = r.Read(out) // it has that many bytes
		return out
	}
	n.ID = string(text())
	started := text()
	tag, err2 := binary.ReadUvarint(r)
	if err != nil || err2 != nil || n.Started.UnmarshalBinary(started) != nil {
		return n, errNodeRecord
	}
	n.Tag = uint32(tag)
	if r.Len() > 0 {
		n.Details = []byte(record[len(record)-r.Len():])
	}
	return n, nil
}
