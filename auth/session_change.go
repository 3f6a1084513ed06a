package auth

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/actionhero-go/actionhero"
)

// changedInput says to each node that the identity of a user has changed.
type changedInput struct {
	Keys     []string        `json:"keys"` // of the sessions of the user
	Identity json.RawMessage `json:"identity" required:"true"`
}

// SetIdentity changes the roles, scopes and claims of the user id.ID in all its sessions and their connections, and in the
// connections that an action has logged in as the user, on all nodes at once: for example after an administrator has
// changed the roles of the user. The rooms of the connections are asked again, see [actionhero.Conn.SetIdentity]. If
// id.Scopes is nil, it becomes "*". The ends of the sessions and their ids stay; id.ExpiresAt does not count.
//
// Store the new roles before, so that a login at the same time finds them. If an error is returned, some of the sessions
// may have changed; the call can be repeated.
func (s *Sessions) SetIdentity(ctx context.Context, api *actionhero.API, id actionhero.Identity) error {
	if id.ID == "" {
		return errors.New("auth: SetIdentity was called with an Identity without an ID")
	}
	if id.Scopes == nil {
		id.Scopes = []string{actionhero.AnyScope}
	}
	text, err := json.Marshal(id)
	if err != nil {
		return err
	}
	in := changedInput{Identity: text}
	err = s.changing(ctx, api, id.ID, func() error {
		list, err := s.listed(ctx, api, id.ID)
		if err != nil {
			return err
		}
		for _, e := range list {
			r, err := s.record.Get(ctx, api, e.Key)
			if isMissing(err) || err == nil && r.Rotated {
				continue
			}
			if err != nil {
				return err
			}
			r.Roles, r.Scopes, r.Claims = id.Roles, id.Scopes, id.Claims
			if err := s.saveAndWrite(ctx, api, e.Key, &r); err != nil && !errors.Is(err, errEnded) {
				return err
			}
			in.Keys = append(in.Keys, e.Key)
		}
		return nil
	})
	answers, failed := s.change.CallAll(context.WithoutCancel(ctx), api, in)
	logMissed(api, answers, failed)
	return err
}

// changed is the function of the call between nodes.
func (s *Sessions) changed(ctx context.Context, in changedInput) (none actionhero.None, err error) {
	var id actionhero.Identity
	if err := json.Unmarshal(in.Identity, &id); err != nil {
		return none, err
	}
	n := s.node(actionhero.RequestFrom(ctx).API)
	n.forgetAll(in.Keys)
	n.endStreams(id.ID, func(st *actionhero.Stream, _ holder) bool { return true })
	var failed []error
	for _, c := range n.connsOf(id.ID, func(*actionhero.Conn, holder) bool { return true }) {
		failed = append(failed, c.UpdateIdentity(ctx, func(now actionhero.Identity) (actionhero.Identity, bool) {
			next := id
			next.ExpiresAt = now.ExpiresAt
			return next, now.ID == id.ID && n.holderOf(c).user == id.ID
		}))
	}
	return none, errors.Join(failed...)
}
