package auth

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero"
)

// endedInput says to each node which sessions of a user have ended.
type endedInput struct {
	User string   `json:"user"`
	Keys []string `json:"keys"`
	All  bool     `json:"all"`  // also the connections that an action has logged in, without a session
	Keep string   `json:"keep"` // the id of a connection that stays
	Each bool     `json:"each"` // of all users
}

// rotatedFor is the time for which a session that a login has replaced is remembered: requests that the browser has
// sent before it got the new cookie must not delete that cookie.
const rotatedFor = time.Minute

// end ends a session of a user on all nodes. If rotated is true, its client has another session now.
func (s *Sessions) end(ctx context.Context, api *actionhero.API, user string, k key, rotated bool) error {
	err := s.changing(ctx, api, user, func() error {
		return s.remove(ctx, api, user, []string{k.String()}, rotated)
	})
	if err != nil {
		return err
	}
	s.announce(ctx, api, endedInput{User: user, Keys: []string{k.String()}})
	return nil
}

// announce makes all nodes forget sessions that have ended, and waits until they have done so. A node that does not answer
// forgets them within 5 seconds, and closes their connections within a minute.
func (s *Sessions) announce(ctx context.Context, api *actionhero.API, in endedInput) {
	answers, err := s.ended.CallAll(context.WithoutCancel(ctx), api, in)
	logMissed(api, answers, err)
}

// logMissed logs which nodes do not know yet that sessions have ended or changed.
func logMissed(api *actionhero.API, answers []actionhero.NodeAnswer[actionhero.None], err error) {
	const text = "a node was not reached to forget sessions that have ended or changed: it does so within a minute"
	if err != nil {
		api.Log().Warn(text, "error", err.Error())
	}
	for _, a := range answers {
		if a.Err != nil {
			api.Log().Warn(text, "node", a.Node, "error", a.Err.Error())
		}
	}
}

// forget is the function of the call between nodes.
func (s *Sessions) forget(ctx context.Context, in endedInput) (none actionhero.None, err error) {
	n := s.node(actionhero.RequestFrom(ctx).API)
	if in.Each {
		n.forgetEach()
		return none, nil
	}
	keys := n.forgetAll(in.Keys)
	n.close(in.User, func(c *actionhero.Conn, h holder) bool {
		return c.ID != in.Keep && (h.has && keys[h.key] || !h.has && in.All)
	})
	n.endStreams(in.User, func(_ *actionhero.Stream, h holder) bool { return keys[h.key] })
	return none, nil
}

// forgetAll makes the node ask the store again for sessions with these keys as text, and returns the keys.
func (n *node) forgetAll(texts []string) map[key]bool {
	keys := map[key]bool{}
	for _, text := range texts {
		var k key
		if raw, err := hex.DecodeString(text); err == nil && len(raw) == len(k) {
			copy(k[:], raw)
			keys[k] = true
			n.forget(k)
		}
	}
	return keys
}

// List returns the sessions of a user, the latest login first.
func (s *Sessions) List(ctx context.Context, api *actionhero.API, user string) ([]Session, error) {
	entries, err := s.listed(ctx, api, user)
	if err != nil {
		return nil, err
	}
	current := s.currentOf(ctx)
	list := []Session{}
	for _, e := range slices.Backward(entries) {
		r, err := s.record.Get(ctx, api, e.Key)
		if isMissing(err) || err == nil && r.Rotated {
			continue // after its idle time
		}
		if err != nil {
			return nil, err
		}
		list = append(list, Session{
			ID: e.Key[:publicLength], CreatedAt: r.Created, LastSeen: r.Seen, ExpiresAt: r.End, IP: r.IP, UserAgent: r.Agent,
			Current: e.Key == current,
		})
	}
	return list, nil
}

// publicLength is the length of the id of a session in lists: a part of the hash of the id in the cookie.
const publicLength = 32

// currentOf returns the key of the session of the request that is handled with ctx, or "".
func (s *Sessions) currentOf(ctx context.Context) string {
	req := clientOf(ctx)
	if req == nil {
		return ""
	}
	if k, _, ok, err := s.sessionOf(ctx, req); ok && err == nil {
		return k.String()
	}
	return ""
}

// Revoke ends the session of a user that has this id in a [Sessions.List], on all nodes at once, and closes its
// connections. If the user has no such session, the error is CodeNotFound.
func (s *Sessions) Revoke(ctx context.Context, api *actionhero.API, user, id string) error {
	entries, err := s.listed(ctx, api, user)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(entries, func(e indexEntry) bool { return e.Key[:publicLength] == id })
	if i < 0 {
		return actionhero.Errorf(actionhero.CodeNotFound, "this user has no session with this id")
	}
	return s.endMany(ctx, api, endedInput{User: user}, func(e indexEntry) bool { return e.Key == entries[i].Key })
}

// RevokeAll ends all sessions of a user, on all nodes at once. It closes their connections, and those that an action has
// logged in as the user. If the connection of the caller is one of them, the context of its action ends then.
func (s *Sessions) RevokeAll(ctx context.Context, api *actionhero.API, user string) error {
	return s.endMany(ctx, api, endedInput{User: user, All: true}, func(indexEntry) bool { return true })
}

// RevokeEverybody ends the sessions of all users, on all nodes at once, for example after a secret has leaked. It closes
// their connections, and those that an action has logged in. If the connection of the caller is one of them, the context
// of its action ends, but RevokeEverybody completes. A login at the same time may survive.
func (s *Sessions) RevokeEverybody(ctx context.Context, api *actionhero.API) error {
	ctx = context.WithoutCancel(ctx)
	err := s.node(api).folder.clear()
	for _, prefix := range []string{s.record.Prefix, s.index.Prefix, s.record.Prefix} { // see remove
		_, failed := api.Cache.Clear(ctx, prefix)
		err = errors.Join(err, failed)
	}
	err = errors.Join(err, s.node(api).folder.clear())
	s.announce(ctx, api, endedInput{Each: true})
	return err
}

// RevokeOthers is RevokeAll for the user of the request that is handled with ctx, but keeps the session, or without one
// the connection, of that request. An anonymous caller gets an error of CodeUnauthenticated.
func (s *Sessions) RevokeOthers(ctx context.Context) error {
	user, req := actionhero.IdentityFrom(ctx), clientOf(ctx)
	switch {
	case req == nil:
		return errNoClient
	case !user.Known():
		return actionhero.Errorf(actionhero.CodeUnauthenticated, "you must log in to do this")
	}
	in := endedInput{User: user.ID, All: true}
	if req.Conn != nil {
		in.Keep = req.Conn.ID
	}
	current := s.currentOf(ctx)
	return s.endMany(ctx, req.API, in, func(e indexEntry) bool { return e.Key != current })
}

// endMany ends the sessions of a user that which selects.
func (s *Sessions) endMany(ctx context.Context, api *actionhero.API, in endedInput, which func(indexEntry) bool) error {
	if err := s.node(api).dropLost(ctx); err != nil {
		return err
	}
	err := s.changing(ctx, api, in.User, func() error {
		list, err := s.listed(ctx, api, in.User)
		if err != nil {
			return err
		}
		for _, e := range list {
			if which(e) {
				in.Keys = append(in.Keys, e.Key)
			}
		}
		return s.remove(ctx, api, in.User, in.Keys, false)
	})
	if len(in.Keys) > 0 || in.All && err == nil {
		s.announce(ctx, api, in)
	}
	return err
}

// remove removes sessions of a user from the store. The caller holds the lock of the user. If remove fails, the sessions
// are still in the list of the user, so the call can be repeated. If the lock has expired, another node may have stored
// the record of a session again, before the session was out of the list: so remove removes the records twice.
func (s *Sessions) remove(ctx context.Context, api *actionhero.API, user string, keys []string, rotated bool) error {
	if err := s.removeRecords(ctx, api, user, keys, rotated); err != nil {
		return err
	}
	list, err := s.listed(ctx, api, user)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(e indexEntry) bool { return slices.Contains(keys, e.Key) })
	if err := s.setListed(ctx, api, user, list); err != nil {
		return err
	}
	return s.removeRecords(ctx, api, user, keys, rotated)
}

// removeRecords also ends sessions whose files cannot be removed: then they end now, and the error says that the call must
// be repeated before a restart.
func (s *Sessions) removeRecords(ctx context.Context, api *actionhero.API, user string, keys []string, rotated bool) (err error) {
	failed := s.node(api).folder.remove(keys...)
	for _, k := range keys {
		if rotated {
			err = s.record.Set(ctx, api, k, record{User: user, Rotated: true, End: time.Now().Add(rotatedFor)}, rotatedFor)
		} else {
			_, err = s.record.Delete(ctx, api, k)
		}
		if err != nil {
			return errors.Join(failed, err)
		}
	}
	return failed
}
