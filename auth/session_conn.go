package auth

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero"
)

// holder says to which login a connection belongs.
type holder struct {
	user string
	key  key  // of the session; only if has is true
	has  bool // it has come with the cookie of a session; otherwise an action has logged it in
	gone bool // the client has disconnected
}

// reasonEnded is the reason for which connections are closed when their session ends.
const reasonEnded = "your session has ended: log in again"

// connect makes a connection with a session known to the node. A session that ends from then on closes the connection. If
// it has ended since the authenticator has found it, the connection is refused.
func (s *Sessions) connect(ctx context.Context, c *actionhero.Conn, _ *actionhero.Handshake) error {
	h, ok := s.of.Get(c)
	if !ok || !h.has {
		return nil
	}
	n := s.node(c.API())
	n.bind(c, h)
	r, _, err := n.renew(ctx, h, func() []*actionhero.Conn { return []*actionhero.Conn{c} })
	if r != nil || err != nil {
		return err
	}
	n.bind(c, holder{})
	return actionhero.Errorf(actionhero.CodeUnauthenticated, reasonEnded)
}

// maxRenewals is how often a session is read again because sessions have changed since it was read.
const maxRenewals = 10

// renew reads a session from the store and gives the identity that its user has now to those of the connections that still
// belong to the session. It returns nil if the session has ended or the user is gone.
func (n *node) renew(ctx context.Context, h holder, conns func() []*actionhero.Conn) (r *record, next actionhero.Identity, err error) {
	sh := n.shardOf(h.key)
	for range maxRenewals {
		seen, list := sh.ends(), conns()
		before := make([]actionhero.Identity, len(list))
		for i, c := range list {
			before[i] = c.Identity()
		}
		if r, next, err = n.read(ctx, h.key); r == nil {
			return nil, next, err
		}
		changed := false // then the connection or the session may have another identity already
		for i, c := range list {
			err = errors.Join(err, c.UpdateIdentity(ctx, func(now actionhero.Identity) (actionhero.Identity, bool) {
				if now.ID != next.ID || n.holderOf(c) != h || sameRights(now, next) {
					return now, false
				}
				changed = changed || sh.ends() != seen || !sameRights(now, before[i])
				return next, !changed
			}))
		}
		if !changed {
			return r, next, err
		}
	}
	return nil, next, errBusy
}

// read returns a session of the store and the identity that its user has now, or nil if it has ended or the user is gone.
func (n *node) read(ctx context.Context, k key) (*record, actionhero.Identity, error) {
	r, err := n.s.record.Get(ctx, n.api, k.String())
	if isMissing(err) || err == nil && r.Rotated {
		return nil, actionhero.Identity{}, nil
	}
	var who actionhero.Identity
	if err == nil {
		who, err = n.s.current(ctx, r.identityOf())
	}
	if err != nil || !who.Known() {
		return nil, who, err
	}
	return &r, who, nil
}

// sameRights reports whether two identities have the same roles and scopes, in any order.
func sameRights(a, b actionhero.Identity) bool {
	return sameNames(a.Roles, b.Roles) && sameNames(a.Scopes, b.Scopes)
}

func sameNames(a, b []string) bool {
	return slices.Equal(a, b) || len(a) == len(b) && slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// errBusy is the error of a session that could not be read before the next change of sessions.
var errBusy = actionhero.Errorf(actionhero.CodeUnavailable, "sessions change too often: try again")

func (s *Sessions) disconnect(_ context.Context, c *actionhero.Conn, _ string) {
	s.node(c.API()).bind(c, holder{gone: true})
}

// holderOf returns to which login a connection belongs.
func (n *node) holderOf(c *actionhero.Conn) holder {
	h, _ := n.s.of.Get(c)
	return h
}

// bind changes to which login a connection belongs. The zero holder means none. A client that has disconnected stays
// without one. bind returns the previous holder.
func (n *node) bind(c *actionhero.Conn, h holder) (before holder) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before, _ = n.s.of.Get(c)
	if before.gone {
		return before
	}
	if conns := n.conns[before.user]; conns != nil {
		if delete(conns, c); len(conns) == 0 {
			delete(n.conns, before.user)
		}
	}
	if h.user != "" {
		if n.conns[h.user] == nil {
			n.conns[h.user] = map[*actionhero.Conn]holder{}
		}
		n.conns[h.user][c] = h
	}
	if h == (holder{}) && before == h {
		return before
	}
	n.s.of.Set(c, h)
	return before
}

// close closes connections of a user.
func (n *node) close(user string, which func(c *actionhero.Conn, h holder) bool) {
	for _, c := range n.connsOf(user, which) {
		c.Close(reasonEnded)
	}
}

// connsOf returns connections of a user.
func (n *node) connsOf(user string, which func(c *actionhero.Conn, h holder) bool) (found []*actionhero.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c, h := range n.conns[user] {
		if which(c, h) {
			found = append(found, c)
		}
	}
	return found
}

// watch closes connections whose sessions have ended without a call to this node: after their idle time, or while the
// node was cut off from the cluster. A session with a connection is in use.
func (n *node) watch(ctx context.Context) {
	defer close(n.done)
	ticker := time.NewTicker(n.s.interval())
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		n.forgetOld()
		if err := n.dropLost(ctx); err != nil && ctx.Err() == nil {
			n.api.Log().Warn("files of sessions that the cache has lost were not removed", "error", err.Error())
		}
		if time.Since(n.swept) >= sweepPause {
			n.sweep()
		}
		for _, h := range n.held() {
			if ctx.Err() != nil {
				return
			}
			n.check(ctx, h)
		}
	}
}

// held returns the sessions of all connections.
func (n *node) held() map[key]holder {
	found := map[key]holder{}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, conns := range n.conns {
		for _, h := range conns {
			if h.has {
				found[h.key] = h
			}
		}
	}
	for _, h := range n.streams {
		found[h.key] = h
	}
	return found
}

// check closes the connections of a session if it has ended, and otherwise stores from time to time that it is in use.
func (n *node) check(ctx context.Context, h holder) {
	belongs := func(_ *actionhero.Conn, other holder) bool { return other.has && other.key == h.key }
	r, who, err := n.renew(ctx, h, func() []*actionhero.Conn { return n.connsOf(h.user, belongs) })
	if err == nil {
		n.endStreams(h.user, func(st *actionhero.Stream, other holder) bool {
			return other.key == h.key && (r == nil || !sameRights(st.Request.Identity(), who))
		})
	}
	if r == nil && err == nil {
		n.close(h.user, belongs)
		return
	}
	if r != nil && time.Since(r.Seen) >= min(n.s.cfg.Idle/4, 10*time.Minute) {
		_, err = n.s.touch(ctx, n.api, h.key, h.user)
	}
	if err != nil && ctx.Err() == nil {
		n.api.Log().Warn("the session of a connection could not be checked", "user", h.user, "error", err.Error())
	}
}
