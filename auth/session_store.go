package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero"
)

// key is the SHA-256 of the id of a session. The store and the memory of the nodes have no ids: their readers cannot act as
// a user.
type key [sha256.Size]byte

// keyOf returns the key of the session with the id, which has idLength characters.
func keyOf(id string) key {
	var b [idLength]byte // an array needs no memory of the heap
	copy(b[:], id)
	return sha256.Sum256(b[:])
}

func (k key) String() string { return hex.EncodeToString(k[:]) }

// record is what the store has of a session.
type record struct {
	User    string         `json:"user"`
	Roles   []string       `json:"roles,omitempty"`
	Scopes  []string       `json:"scopes,omitempty"`
	Claims  map[string]any `json:"claims,omitempty"`
	Created time.Time      `json:"created"`
	Seen    time.Time      `json:"seen"`
	End     time.Time      `json:"end"` // the absolute one
	IP      string         `json:"ip"`
	Agent   string         `json:"agent"`
	Plain   bool           `json:"plain,omitempty"`   // the cookie is the one for plain HTTP
	Rotated bool           `json:"rotated,omitempty"` // the session has ended, because the client has got another one
}

func (r *record) identityOf() actionhero.Identity {
	return actionhero.Identity{ID: r.User, Roles: r.Roles, Scopes: r.Scopes, Claims: r.Claims, ExpiresAt: r.End}
}

// life returns the time for which the store keeps the record: the idle time, or the rest of the session. The record is not
// written at each use, so it must outlive the idle time by the interval of the writes.
func (s *Sessions) life(r *record) time.Duration {
	return max(min(s.cfg.Idle+s.interval()-time.Since(r.Seen), time.Until(r.End)), time.Millisecond)
}

// indexEntry is a session in the list of its user.
type indexEntry struct {
	Key string    `json:"key"` // as text
	End time.Time `json:"end"`
}

// lockTTL is far longer than a change of the sessions of a user takes.
const lockTTL = 10 * time.Second

// indexKey returns the key of the list of the sessions of a user. An id of a user may have any length.
func indexKey(user string) string { return key(sha256.Sum256([]byte(user))).String() }

// changing calls change, and lets no other node change the sessions of the user at the same time.
func (s *Sessions) changing(ctx context.Context, api *actionhero.API, user string, change func() error) error {
	lock, err := api.Cache.LockWait(ctx, s.index.Prefix+indexKey(user), lockTTL)
	if err != nil {
		return err
	}
	err = change()
	_ = lock.Unlock(context.WithoutCancel(ctx)) // a lock that has expired is free
	return err
}

// listed returns the sessions of a user, without those whose absolute time has passed.
func (s *Sessions) listed(ctx context.Context, api *actionhero.API, user string) ([]indexEntry, error) {
	list, err := s.index.Get(ctx, api, indexKey(user))
	if isMissing(err) {
		return nil, nil
	}
	now := time.Now()
	return slices.DeleteFunc(list, func(e indexEntry) bool { return !e.End.After(now) }), err
}

func (s *Sessions) setListed(ctx context.Context, api *actionhero.API, user string, list []indexEntry) error {
	if len(list) == 0 {
		_, err := s.index.Delete(ctx, api, indexKey(user))
		return err
	}
	last := slices.MaxFunc(list, func(a, b indexEntry) int { return a.End.Compare(b.End) }).End
	return s.index.Set(ctx, api, indexKey(user), list, max(time.Until(last), time.Millisecond))
}

// create stores a session and adds it to the list of its user. If the user has too many sessions, create removes the
// oldest ones and returns their keys.
func (s *Sessions) create(ctx context.Context, api *actionhero.API, k key, r *record) (removed []string, err error) {
	err = s.changing(ctx, api, r.User, func() error {
		list, err := s.listed(ctx, api, r.User)
		if err != nil {
			return err
		}
		if list, removed, err = s.makeRoom(ctx, api, list); err != nil {
			return err
		}
		list = append(list, indexEntry{k.String(), r.End})
		if err := s.setListed(ctx, api, r.User, list); err != nil {
			return err
		}
		return s.saveAndWrite(ctx, api, k.String(), r)
	})
	return removed, err
}

// makeRoom removes entries from the list of a user so that one more fits: first those whose sessions have ended, then
// the oldest ones, whose sessions it removes.
func (s *Sessions) makeRoom(ctx context.Context, api *actionhero.API, list []indexEntry) (_ []indexEntry, removed []string, err error) {
	if len(list) < s.cfg.PerUser {
		return list, nil, nil
	}
	list = slices.DeleteFunc(list, func(e indexEntry) bool {
		_, got := s.record.Get(ctx, api, e.Key)
		return isMissing(got)
	})
	for len(list) >= s.cfg.PerUser {
		if err := s.removeRecords(ctx, api, "", []string{list[0].Key}, false); err != nil {
			return nil, removed, err
		}
		removed, list = append(removed, list[0].Key), list[1:]
	}
	return list, removed, nil
}

// write stores the record of a session that is in the list of its user. The caller holds the lock of the user. If the
// lock has expired meanwhile, another node may have ended the session: then it is not in the list any more, and write
// removes the record again.
func (s *Sessions) write(ctx context.Context, api *actionhero.API, k string, r *record) error {
	if err := s.record.Set(ctx, api, k, *r, s.life(r)); err != nil {
		return err
	}
	list, err := s.listed(ctx, api, r.User)
	if err == nil && slices.ContainsFunc(list, func(e indexEntry) bool { return e.Key == k }) {
		return nil
	}
	_, gone := s.record.Delete(context.WithoutCancel(ctx), api, k)
	if err == nil {
		err = gone
	}
	if err == nil {
		err = errEnded
	}
	return err
}

// saveAndWrite is write for a session that is new or has changed, and keeps it over a restart.
func (s *Sessions) saveAndWrite(ctx context.Context, api *actionhero.API, k string, r *record) error {
	folder := s.node(api).folder
	if err := folder.save(k, r); err != nil {
		return err
	}
	err := s.write(ctx, api, k, r)
	if errors.Is(err, errEnded) {
		err = errors.Join(err, folder.remove(k))
	}
	return err
}

var errEnded = actionhero.Errorf(actionhero.CodeConflict, "the session has ended meanwhile: log in again")

// touch stores that the session is in use now. It returns nil without an error if the session has ended.
func (s *Sessions) touch(ctx context.Context, api *actionhero.API, k key, user string) (r *record, err error) {
	err = s.changing(ctx, api, user, func() error {
		got, err := s.record.Get(ctx, api, k.String())
		if isMissing(err) || err == nil && got.Rotated {
			return nil
		}
		if err != nil {
			return err
		}
		got.Seen = time.Now().UTC()
		if err = s.write(ctx, api, k.String(), &got); err != nil {
			return err
		}
		r = &got
		return s.node(api).folder.used(k.String(), got.Seen)
	})
	if errors.Is(err, errEnded) {
		return nil, nil
	}
	return r, err
}

func isMissing(err error) bool {
	failure := actionhero.AsError(err)
	return failure != nil && failure.Code == actionhero.CodeNotFound
}
