package support

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
)

func (d *desk) keyParts() actionhero.Parts {
	return actionhero.Parts{
		d.keys.LoginAction("keyLogin"),
		actionhero.Action[KeyInput, KeyOutput]{
			Name: "keyCreate", Description: "Makes an API key for your programs, and shows it once", Route: "POST /keys", Access: ownLogin, Run: d.createKey,
		},
		actionhero.Action[actionhero.None, KeysOutput]{
			Name: "keyList", Description: "Lists your API keys", Route: "GET /keys", Kind: actionhero.KindRead, Access: ownLogin, Run: d.listKeys,
		},
		actionhero.Action[KeyID, actionhero.None]{
			Name: "keyRevoke", Description: "Revokes an API key of yours", Route: "DELETE /keys/{id}", Kind: actionhero.KindDestructive, Access: ownLogin, Run: d.revokeKey,
		},
	}
}

// KeyInput is the input of the action `keyCreate`.
type KeyInput struct {
	Name  string `json:"name" required:"true" maxLength:"60"`
	Write bool   `json:"write" doc:"whether the key may also change tickets"`
}

// KeyOutput is the output of the action `keyCreate`.
type KeyOutput struct {
	Key string `json:"key"`
	ID  string `json:"id"`
}

func (d *desk) createKey(ctx context.Context, in KeyInput) (KeyOutput, error) {
	scopes := []string{"tickets:read"}
	if in.Write {
		scopes = append(scopes, "tickets:write")
	}
	text, key, err := d.keys.Create(ctx, d.api, auth.KeySpec{
		Owner: actionhero.IdentityFrom(ctx).ID, Name: in.Name, Scopes: scopes, ExpiresAt: time.Now().AddDate(1, 0, 0),
	})
	return KeyOutput{Key: text, ID: key.ID}, err
}

// KeysOutput is the output of the action `keyList`.
type KeysOutput struct {
	Keys []auth.Key `json:"keys"`
}

func (d *desk) listKeys(ctx context.Context, _ actionhero.None) (out KeysOutput, err error) {
	out.Keys, err = d.keys.List(ctx, d.api, actionhero.IdentityFrom(ctx).ID)
	return out, err
}

// KeyID is the input of the action `keyRevoke`.
type KeyID struct {
	ID string `json:"id" required:"true"`
}

func (d *desk) revokeKey(ctx context.Context, in KeyID) (none actionhero.None, err error) {
	key, err := d.keys.Find(ctx, d.api, in.ID)
	if err == nil && key.Owner != actionhero.IdentityFrom(ctx).ID {
		err = actionhero.Errorf(actionhero.CodeNotFound, "there is no such API key")
	}
	if err != nil {
		return none, err
	}
	return none, d.keys.Revoke(ctx, d.api, in.ID)
}

// keyIdentity is the owner of a key with its role of today and the scopes of the key.
func (d *desk) keyIdentity(ctx context.Context, key auth.Key) (actionhero.Identity, error) {
	id, err := strconv.ParseInt(key.Owner, 10, 64)
	if err != nil {
		return actionhero.Identity{}, err
	}
	u, _, err := findUser(ctx, d.db.Get(), "id", id)
	who := u.identity()
	who.Scopes = key.Scopes
	return who, err
}

// keyStore keeps the API keys in the database.
func (d *desk) keyStore(*actionhero.API) (auth.KeyStore, error) { return keyTable{d.db}, nil }

type keyTable struct{ db actionhero.Value[*sql.DB] }

var errNoKey = actionhero.Errorf(actionhero.CodeNotFound, "there is no such API key")

func (t keyTable) Add(ctx context.Context, k auth.StoredKey) error {
	text, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return t.exec(ctx, actionhero.Errorf(actionhero.CodeAlreadyExists, "the API key exists"),
		`INSERT INTO api_keys (id, owner, key) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING`, k.ID, k.Owner, text)
}

func (t keyTable) Find(ctx context.Context, id string) (auth.StoredKey, error) {
	k, err := scanKey(t.db.Get().QueryRowContext(ctx, `SELECT key, used FROM api_keys WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = errNoKey
	}
	return k, err
}

func (t keyTable) List(ctx context.Context, owner string) (list []auth.StoredKey, err error) {
	found, err := t.db.Get().QueryContext(ctx, `SELECT key, used FROM api_keys WHERE ? IN ('', owner)`, owner)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		k, err := scanKey(found)
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, found.Err()
}

func (t keyTable) Remove(ctx context.Context, id string) error {
	return t.exec(ctx, errNoKey, `DELETE FROM api_keys WHERE id = ?`, id)
}

func (t keyTable) Used(ctx context.Context, id string, at time.Time) error {
	return t.exec(ctx, nil, `UPDATE api_keys SET used = ? WHERE id = ?`, at.UnixMilli(), id)
}

// exec runs a statement, and returns none if it has changed no row.
func (t keyTable) exec(ctx context.Context, none error, statement string, args ...any) error {
	result, err := t.db.Get().ExecContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return none
}

func scanKey(row interface{ Scan(...any) error }) (k auth.StoredKey, err error) {
	var text []byte
	var used sql.NullInt64
	if err := row.Scan(&text, &used); err != nil {
		return k, err
	}
	err = json.Unmarshal(text, &k)
	if used.Valid {
		k.LastUsedAt = time.UnixMilli(used.Int64)
	}
	return k, err
}
