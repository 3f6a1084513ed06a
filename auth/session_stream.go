package auth

import (
	"context"

	"github.com/actionhero-go/actionhero"
)

// streamBegins makes a stream with a session known to the node: it ends with the session, and when the identity of the
// session changes. The session is read once more, because it may have ended or changed since the request was identified.
func (s *Sessions) streamBegins(ctx context.Context, st *actionhero.Stream) error {
	k, e, ok, err := s.sessionOf(ctx, st.Request)
	n, who := s.node(st.Request.API), st.Request.Identity()
	switch {
	case err == nil && !ok && k != (key{}) && n.endedSince(k, st.Request.Started):
		return actionhero.Errorf(actionhero.CodeUnauthenticated, reasonEnded)
	case err != nil || !ok || e.User != who.ID:
		return err // another Authenticator has found the caller
	}
	n.hold(st, holder{user: e.User, key: k, has: true})
	r, now, err := n.read(ctx, k)
	switch {
	case err != nil:
		return err
	case r == nil:
		return actionhero.Errorf(actionhero.CodeUnauthenticated, reasonEnded)
	case !sameRights(now, who):
		st.End()
	}
	return nil
}

func (s *Sessions) streamEnds(st *actionhero.Stream) {
	n := s.node(st.Request.API)
	n.mu.Lock()
	defer n.mu.Unlock()
	user := n.streams[st].user
	if delete(n.streams, st); user == "" {
		return
	}
	if delete(n.streamsOf[user], st); len(n.streamsOf[user]) == 0 {
		delete(n.streamsOf, user)
	}
}

// hold keeps a stream until streamEnds.
func (n *node) hold(st *actionhero.Stream, h holder) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.streams[st] = h
	if n.streamsOf[h.user] == nil {
		n.streamsOf[h.user] = map[*actionhero.Stream]struct{}{}
	}
	n.streamsOf[h.user][st] = struct{}{}
}

// endStreams ends streams of a user.
func (n *node) endStreams(user string, which func(st *actionhero.Stream, h holder) bool) {
	n.mu.Lock()
	var found []*actionhero.Stream
	for st := range n.streamsOf[user] {
		if which(st, n.streams[st]) {
			found = append(found, st)
		}
	}
	n.mu.Unlock()
	for _, st := range found {
		st.End()
	}
}
