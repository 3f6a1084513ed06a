//go:build linux

package run

import (
	"bufio"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// watchSentinels records a failover that no fault of the plan has caused: on a slow machine a master may not answer its
// Sentinels for a second. This failover can lose writes.
func (r *runner) watchSentinels() {
	if r.servers.sentinels == nil {
		return
	}
	doubted := make(chan struct{}, 1)
	for _, s := range r.servers.sentinels.Sentinels {
		r.watchers.Go(func() { r.listenTo(s.Addr, doubted) })
	}
	for {
		select {
		case <-doubted:
		case <-r.done:
			return
		}
		if r.servers.isAway() {
			continue // the fault that is under way
		}
		r.unplanned.Add(1)
		call := r.rec.FaultBegin(history.Fault{Kind: history.FaultFailover, Target: r.servers.name(0), Lossy: true})
		for !r.servers.trusted() && !r.isDone() {
			pause(50 * time.Millisecond)
		}
		call.End()
	}
}

func (r *runner) isDone() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// listenTo notes when a Sentinel takes the master for down, or has replaced it.
func (r *runner) listenTo(addr string, doubted chan<- struct{}) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		r.fail(err)
		return
	}
	closed := make(chan struct{})
	r.watchers.Go(func() {
		select {
		case <-r.done:
		case <-closed:
		}
		_ = conn.Close()
	})
	defer close(closed)
	if _, err := io.WriteString(conn, "SUBSCRIBE +sdown +switch-master\r\n"); err != nil {
		r.fail(err)
		return
	}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if event := lines.Text(); strings.HasPrefix(event, "master "+redistest.MasterName) || strings.HasPrefix(event, redistest.MasterName+" ") {
			select {
			case doubted <- struct{}{}:
			default:
			}
		}
	}
	if !r.isDone() {
		r.t.Errorf("the Sentinel at %s closes the connection", addr)
	}
}

// trusted reports whether all Sentinels name one master, which none of them takes for down, and it accepts writes.
func (s *servers) trusted() bool {
	for _, sentinel := range s.sentinels.Sentinels {
		reply, _ := sentinel.TryDo("SENTINEL", "MASTER", redistest.MasterName)
		fields, _ := reply.([]any)
		if i := slices.Index(fields, any("flags")); i < 0 || i+1 == len(fields) || fields[i+1] != "master" {
			return false
		}
	}
	m := s.sentinels.Master()
	return m >= 0 && s.accepts(m)
}

// accepts reports whether a server accepts writes: it is a master with enough replicas.
func (s *servers) accepts(i int) bool {
	_, err := s.list[i].TryDo("SET", "chaos:written", 1)
	return err == nil
}
